import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig, type ServerConfig } from '../../sidecar/config.ts';
import { configOf } from '../../webhook/configuration.ts';
import { PREFIX } from '../../webhook/names.ts';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import { mountsOf, volumesOf } from '../../webhook/volumes.ts';

const parse = (texts: Record<string, string>) =>
  parseAnnotations(
    Object.fromEntries(
      Object.entries({ inject: 'true', ...texts }).map(([key, text]) => [PREFIX + key, text]),
    ),
  );

/** As the sidecar reads it, and where it finds what it reads. */
function told(texts: Record<string, string>): { auth: ServerConfig['auth']; mounts: string[] } {
  const parsed = parse(texts);
  if ('refusals' in parsed) throw new Error(JSON.stringify(parsed.refusals));
  const { servers } = parsed;
  const document = configOf(
    servers.map((request) => ({ request, target: { container: 'app', port: 3000 } })),
    {
      spec: { containers: [{ name: 'app' }] },
      workload: 'tools',
      namespace: 'ns',
      drainPath: '/drain/abcdefghijklmnop',
    },
  );
  return {
    auth: parseConfig(JSON.stringify(document)).servers[0]!.auth,
    mounts: mountsOf(servers, volumesOf(servers, 'tools')).map(({ mountPath }) => mountPath),
  };
}

function refusals(texts: Record<string, string>): string[] {
  const parsed = parse(texts);
  return 'refusals' in parsed
    ? parsed.refusals.map(({ reason, annotation }) => `${reason} ${annotation.slice(PREFIX.length)}`)
    : [];
}

const KUBERNETES = {
  mode: 'kubernetes',
  audience: 'https://tools.ns.mcp.kubectl-mcp.dev',
  allowPrincipals: ['ns/*'],
  verify: 'jwks',
  directory: '/var/run/kubectl-mcp/kubernetes',
};
const TOKEN = { mode: 'token', source: 'secret/s', directory: '/var/run/kubectl-mcp/tokens' };

describe('several kinds of credentials', () => {
  test('each have what they need, in the order in which they are written', () => {
    const { auth, mounts } = told({ auth: 'token, kubernetes', 'token-secret': 's' });
    assert.deepEqual(auth, { mode: 'several', of: [TOKEN, KUBERNETES] });
    for (const { directory } of [KUBERNETES, TOKEN]) assert.ok(mounts.includes(directory), directory);
  });

  test('one alone is as it was', () => {
    assert.deepEqual(told({}).auth, KUBERNETES);
    assert.deepEqual(told({ auth: 'token', 'token-secret': 's' }).auth, TOKEN);
    assert.deepEqual(told({ auth: 'none' }).auth, { mode: 'none' });
  });

  test('what one of them would need has an effect, and must be there', () => {
    assert.deepEqual(refusals({ auth: 'kubernetes,token' }), ['TokensMissing auth']);
    assert.deepEqual(refusals({ auth: 'kubernetes,token', 'token-secret': 's', audience: 'a' }), []);
    assert.deepEqual(refusals({ auth: 'token', 'token-secret': 's', verify: 'jwks' }), ['NoEffect verify']);
    assert.deepEqual(refusals({ auth: 'kubernetes,none' }), ['ValueInvalid auth']);
    assert.deepEqual(refusals({ auth: 'kubernetes,kubernetes' }), ['ValueInvalid auth']);
    assert.deepEqual(refusals({ auth: '' }), ['ValueInvalid auth']);
  });

  test('processes of principals need a word where tokens are among them', () => {
    const stdio = { transport: 'stdio', auth: 'kubernetes,token', 'token-secret': 's' };
    assert.deepEqual(refusals(stdio), ['PrincipalsUnknown stdio-modern']);
    assert.deepEqual(refusals({ ...stdio, 'stdio-modern': 'per-principal' }), []);
  });
});

describe('service accounts', () => {
  test('are reviewed, and may speak for users, where that is written', () => {
    const { auth, mounts } = told({ verify: 'tokenreview', 'trusted-actors': 'actors' });
    const directory = '/var/run/kubectl-mcp/trusted-actors';
    assert.deepEqual(auth, {
      ...KUBERNETES,
      verify: 'tokenreview',
      trustedActors: { source: 'configmap/actors', directory },
    });
    assert.ok(mounts.includes(directory));
  });

  test('of one of several servers have actors of their own', () => {
    const { auth } = told({ 'a.port': '3000', 'a.trusted-actors': 'actors' });
    assert.deepEqual(auth.mode === 'kubernetes' && auth.trustedActors, {
      source: 'configmap/actors',
      directory: '/var/run/kubectl-mcp/trusted-actors-a',
    });
  });
});
