import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceAttributes, subjectOf } from '../../../sidecar/access/attributes.ts';
import { ANONYMOUS, principal } from '../../../sidecar/principal.ts';

test('a named server of a pod is a subresource of its workload, and no name is all of them', () => {
  const asked = { namespace: 'ns', verb: 'call' } as const;
  assert.deepEqual(resourceAttributes({ ...asked, server: 'tools/weather', name: 'a/b' }), {
    namespace: 'ns',
    group: 'tools.kubectl-mcp.dev',
    version: '*',
    resource: 'tools',
    subresource: 'weather',
    verb: 'call',
    name: 'a/b',
  });
  assert.ok(!('name' in resourceAttributes({ ...asked, server: 'tools' })));
});

test('only Kubernetes gives names that begin with system:, and who has none is anonymous', () => {
  const of = (kind: 'kubernetes' | 'oidc', name: string, groups: string[]) =>
    subjectOf(principal({ kind, issuer: 'i', name, groups, actors: [] }));
  const nobody = { user: 'system:anonymous', groups: ['system:unauthenticated'] };
  assert.deepEqual(subjectOf(ANONYMOUS), nobody);
  assert.deepEqual(of('oidc', 'system:admin', ['system:masters']), nobody);
  assert.deepEqual(of('oidc', 'oidc:alice', ['system:masters', 'oidc:devs']), {
    user: 'oidc:alice',
    groups: ['oidc:devs'],
  });
  assert.deepEqual(of('kubernetes', 'system:serviceaccount:a:b', ['system:authenticated']), {
    user: 'system:serviceaccount:a:b',
    groups: ['system:authenticated'],
  });
});
