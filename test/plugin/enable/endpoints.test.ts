import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Change } from '../../../plugin/enable/change.ts';
import { endpointsBehind } from '../../../plugin/enable/endpoints.ts';
import { service } from './fixtures.ts';

type Ports = NonNullable<V1Service['spec']>['ports'];
const declared = [{ container: 'everything', name: 'mcp', number: 3001, protocol: 'TCP' }];
const change = (before: Ports, after: Ports): Change => ({
  before: service(before),
  after: service(after),
  done: '',
  details: [],
});
const slice = (ports: V1EndpointSlice['ports'], addresses = ['10.0.0.1']): V1EndpointSlice => ({
  addressType: 'IPv4',
  endpoints: addresses.map((each) => ({ addresses: [each] })),
  ...(ports && { ports }),
});

describe('EndpointSlices of a repointed Service', () => {
  const enable = change(
    [
      { name: 'http', port: 80, targetPort: 'mcp' },
      { name: 'direct', port: 3001 },
      { name: 'other', port: 9090, targetPort: 9090 },
    ],
    [
      { name: 'http', port: 80, targetPort: 7410 },
      { name: 'direct', port: 3001, targetPort: 7410 },
      { name: 'other', port: 9090, targetPort: 9090 },
    ],
  );
  const other = { name: 'other', port: 9090 };

  it('are behind while one leads to the old port, by name or number', () => {
    const half = slice([{ name: 'http', port: 7410 }, { name: 'direct', port: 3001 }, other]);
    const text = 'Waiting for the EndpointSlices of service/everything to leave port 3001...';
    assert.equal(endpointsBehind(enable, [half], declared), text);
    const whole = slice([{ name: 'http', port: 7410 }, { name: 'direct', port: 7410 }, other]);
    assert.equal(endpointsBehind(enable, [whole, half], declared), text);
    assert.equal(endpointsBehind(enable, [whole], declared), undefined);
  });

  it('count with addresses only: an empty one is a placeholder', () => {
    assert.equal(endpointsBehind(enable, [slice([{ name: 'http', port: 3001 }], [])], declared), undefined);
    assert.equal(endpointsBehind(enable, [slice(undefined, [])], declared), undefined);
    assert.equal(endpointsBehind(enable, [], declared), undefined);
  });

  it('are the same on the way back, where the port may have no name', () => {
    const disable = change([{ port: 80, targetPort: 7410 }], [{ port: 80, targetPort: 'mcp' }]);
    assert.match(endpointsBehind(disable, [slice([{ name: '', port: 7410 }])], declared)!, /leave port 7410/);
    assert.equal(endpointsBehind(disable, [slice([{ name: '', port: 3001 }])], declared), undefined);
  });
});
