import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notAdmitted } from '../../../plugin/access/admitted.ts';
import type { NamedServer } from '../../../plugin/access/server.ts';
import { parseAnnotations } from '../../../webhook/parse-annotations.ts';

function server(annotations: Record<string, string>): NamedServer {
  const parsed = parseAnnotations(
    Object.fromEntries(
      Object.entries({ inject: 'true', port: '3001', ...annotations }).map(([key, value]) => [
        `kubectl-mcp.dev/${key}`,
        value,
      ]),
    ),
  );
  assert.ok('servers' in parsed, JSON.stringify(parsed));
  return { title: 'deployment/tools', namespace: 'here', server: 'tools', request: parsed.servers[0]! };
}

test('callers whom the proxy lets in are not told of, nor those of whom nobody can tell', () => {
  const plain = server({});
  assert.equal(notAdmitted(plain, { namespace: 'here', name: 'planner' }), undefined);
  assert.equal(notAdmitted(plain, { name: 'agents/planner:alice' }), undefined);
  assert.equal(notAdmitted(plain, { name: 'system:authenticated' }), undefined);
  const both = server({ auth: 'kubernetes,token', 'token-secret': 'callers' });
  assert.equal(notAdmitted(both, { name: 'token:ci' }), undefined);
});

test('a service account of another namespace is told of with the command that adds it', () => {
  const words = notAdmitted(server({ 'allow-principals': 'here/*, agents/planner' }), {
    namespace: 'agents',
    name: 'other',
  });
  assert.equal(
    words,
    `the proxy of deployment/tools lets in here/*, agents/planner, and not agents/other
Add it: kubectl mcp enable deployment/tools -n here --allow-principals 'here/*,agents/planner,agents/other'`,
  );
});

test('a caller of a kind that the server does not take is told of by the whole name', () => {
  const tokens = server({ auth: 'token', 'token-secret': 'callers' });
  assert.equal(
    notAdmitted(tokens, { namespace: 'here', name: 'default' }),
    'nobody is here/default to the proxy of deployment/tools: its auth is token',
  );
  assert.match(notAdmitted(tokens, { name: 'oidc:alice' })!, /^nobody is oidc:alice to/);
});
