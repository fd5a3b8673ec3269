import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Ingress } from '@kubernetes/client-node';
import { missingRoute } from '../../../plugin/sources/metadata-routes.ts';

const URL_OF_SERVER = 'https://tools.example.com/weather/mcp';
const WANTED = '/.well-known/oauth-protected-resource/weather/mcp';
const ingress = (host: string | undefined, ...paths: [string, string?, string?][]): V1Ingress => ({
  metadata: { name: 'web' },
  spec: {
    rules: [
      {
        ...(host === undefined ? {} : { host }),
        http: {
          paths: paths.map(([path, pathType = 'Prefix', name = 'weather']) => ({
            path,
            pathType,
            backend: { service: { name } },
          })),
        },
      },
    ],
  },
});
const HOST = 'tools.example.com';
const missing = (...ingresses: V1Ingress[]) =>
  missingRoute(URL_OF_SERVER, ingresses, [{ metadata: { name: 'weather' } }])?.path;

describe('the metadata of OAuth', () => {
  for (const [what, given, isMissing] of [
    ['is routed by a prefix of all', [ingress(HOST, ['/'])], false],
    ['is routed by its own path', [ingress(HOST, ['/weather/mcp'], [WANTED, 'Exact'])], false],
    ['is routed by its folder', [ingress(HOST, ['/weather'], ['/.well-known/'])], false],
    [
      'is routed by another Ingress',
      [ingress(HOST, ['/weather']), ingress(undefined, ['/.well-known'])],
      false,
    ],
    ['is routed by a wildcard', [ingress('*.example.com', ['/'])], false],
    ['may be routed by a regular expression', [ingress(HOST, ['/(.*)', 'ImplementationSpecific'])], false],
    [
      'is nobody’s where no Ingress leads to the server',
      [ingress(HOST, ['/weather', 'Prefix', 'other'])],
      false,
    ],
    ['is nobody’s where the host is another', [ingress('other.example.com', ['/weather'])], false],
    ['is not routed with the calls', [ingress(HOST, ['/weather'])], true],
    ['is not routed by a part of a name', [ingress(HOST, ['/weather'], ['/.well'])], true],
    ['is not routed to another server', [ingress(HOST, ['/weather'], ['/', 'Prefix', 'other'])], true],
    ['is not routed by the root path alone', [ingress(HOST, ['/weather'], ['/', 'Exact'])], true],
  ] as [string, V1Ingress[], boolean][])
    test(what, () => assert.equal(missing(...given), isMissing ? WANTED : undefined));
});
