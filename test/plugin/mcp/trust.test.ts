import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { connect } from '../../../plugin/kube/client.ts';
import type { Target } from '../../../plugin/kube/target.ts';
import { trustOf, type TrustFlags } from '../../../plugin/mcp/trust.ts';
import { createAuthority, type Issued } from '../../certificates.ts';
import { type Answer, startApiServer, status } from '../api-server.ts';

const SERVICES = {
  code: 200,
  body: {
    items: [
      { metadata: { name: 'tools', namespace: 'demo' }, spec: { selector: { app: 'tools' } } },
      { metadata: { name: 'other', namespace: 'demo' }, spec: { selector: { app: 'other' } } },
    ],
  },
};
const target = (server: object): Target =>
  ({
    title: 'deployment/tools',
    namespace: 'demo',
    pod: 'tools-1',
    labels: { app: 'tools' },
    adminPort: 7411,
    server,
  }) as Target;
const TLS = { tls: { source: 'secret/tools-tls', directory: '/tls' } };

/** What is trusted, where the API server answers so for the Secret. */
async function trusted(t: TestContext, secret: Answer, flags: TrustFlags = {}, server: object = TLS) {
  const api = await startApiServer(t, (path) => (path.includes('/secrets/') ? secret : SERVICES));
  const cluster = await connect({ server: api.url, namespace: 'demo' }, { KUBECONFIG: '/nonexistent' });
  return { trust: await trustOf(cluster, target(server), flags), api };
}

const secretOf = (data: Record<string, string>): Answer => ({
  code: 200,
  body: {
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  },
});

describe('what the certificate of a listen port is accepted by', () => {
  let issued: Issued;
  before(async () => (issued = await (await createAuthority()).issue(['tools.example.com', 'tools'])));
  test('nothing is asked where the port speaks plainly', async (t) => {
    const { trust, api } = await trusted(t, status(500, 'x', 'x'), {}, {});
    assert.deepEqual([trust, api.requests], [undefined, []]);
  });

  test("the Secret's CA, for the names of the Services, the public one and its own", async (t) => {
    const { trust } = await trusted(
      t,
      secretOf(issued),
      {},
      { ...TLS, publicUrl: 'https://mcp.example.net/mcp' },
    );
    assert.deepEqual(trust, {
      tls: {
        names: [
          'mcp.example.net',
          'tools.demo.svc',
          'tools.demo.svc.cluster.local',
          'tools.demo',
          'tools',
          'tools.example.com',
        ],
        ca: issued['ca.crt'],
      },
      source: 'Secret tools-tls',
    });
  });

  test('its certificate itself where it holds no CA', async (t) => {
    const { 'ca.crt': _ca, ...pair } = issued;
    assert.equal((await trusted(t, secretOf(pair))).trust!.tls.ca, issued['tls.crt']);
  });

  test('the CAs that Node knows where the Secret is not for the user', async (t) => {
    const { trust } = await trusted(t, status(403, 'Forbidden', 'secrets is forbidden'));
    assert.equal(trust!.tls.ca, undefined);
    assert.match(trust!.source, /Secret tools-tls cannot be read/);
    assert.deepEqual(trust!.tls.names[0], 'tools.demo.svc');
  });

  test('the file of the flag before all of them, and no check only where it is asked for', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-trust-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'ca.crt');
    writeFileSync(file, 'from the file');
    const given = await trusted(t, secretOf(issued), { mcpCertificateAuthority: file });
    assert.deepEqual([given.trust!.tls.ca, given.trust!.source], ['from the file', file]);
    await assert.rejects(
      trusted(t, secretOf(issued), { mcpCertificateAuthority: join(directory, 'none') }),
      /--mcp-certificate-authority: cannot read .*none: ENOENT/,
    );
    const any = await trusted(t, secretOf(issued), { mcpInsecureSkipTlsVerify: true });
    assert.deepEqual(any.trust!.tls, { names: [], insecure: true });
    assert.deepEqual(any.api.requests, []);
  });
});
