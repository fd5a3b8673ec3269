/**
 * As much of an API server as the webhook meets: HTTPS, a bearer token, Events, one Secret with resourceVersions, and
 * the two webhook configurations. What the webhook must not write is refused, as the installed policies would.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueCa, issueLeaf } from '../../../webhook/issue.ts';

const SECRET = '/api/v1/namespaces/kubectl-mcp-system/secrets/kubectl-mcp-webhook';
const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kubectl-mcp';
const EVENTS = /^\/api\/v1\/namespaces\/([^/]+)\/events(?:\/([^/]+))?$/;
const EARLY_WORD = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/kubectl-mcp';
const EARLY_ENTRIES = ['workloads.kubectl-mcp.dev', 'policies.kubectl-mcp.dev'];
const TOKEN = 'the-token-of-the-account';

type Stored = { metadata: { name: string; resourceVersion: string }; data?: Record<string, string> };
export type StoredEvent = {
  metadata: { name: string; namespace: string; resourceVersion: string };
  involvedObject: { kind: string; name: string; uid: string };
  type: string;
  reason: string;
  message: string;
  count: number;
};
type Sent = {
  apiVersion: string;
  kind: string;
  metadata: object;
  webhooks: { name: string; clientConfig: { caBundle: string } }[];
};
type Fault = (method: string, path: string) => number | undefined;
export const noFault: Fault = () => undefined;

export type ApiServer = Awaited<ReturnType<typeof startApiServer>>;

export async function startApiServer() {
  const accountDirectory = mkdtempSync(join(tmpdir(), 'account-'));
  const ca = await issueCa(new Date());
  const leaf = await issueLeaf(ca, 'localhost', new Date());
  writeFileSync(join(accountDirectory, 'token'), `${TOKEN}\n`);
  writeFileSync(join(accountDirectory, 'ca.crt'), ca['ca.crt']);

  let version = 1;
  let secret: Stored | undefined = { metadata: { name: 'kubectl-mcp-webhook', resourceVersion: '1' } };
  let caBundle = '';
  /** By entry; undefined: there is no such configuration. */
  let early: Record<string, string> | undefined = Object.fromEntries(EARLY_ENTRIES.map((each) => [each, '']));
  let fault: Fault = noFault;
  const writes: string[] = [];
  const events = new Map<string, StoredEvent>();
  const bundles: { at: number; bundle: string }[] = [{ at: 0, bundle: '' }];

  const setBundle = (base64: string): void => {
    caBundle = base64;
    bundles.push({ at: performance.now(), bundle: Buffer.from(base64, 'base64').toString() });
  };
  const configuration = () => ({
    metadata: { name: 'kubectl-mcp' },
    webhooks: [{ name: 'inject.kubectl-mcp.dev', clientConfig: { ...(caBundle && { caBundle }) } }],
  });

  function answerEvent(method: string, path: string, sent: StoredEvent): [number, object] {
    const [, namespace, name = sent.metadata?.name] = EVENTS.exec(path) ?? [];
    const found = events.get(name ?? '');
    if (method === 'POST' && found) return [409, { message: `events "${name}" already exists` }];
    if (method === 'PATCH' && !found) return [404, { message: `events "${name}" not found` }];
    const { resourceVersion } = sent.metadata ?? {};
    if (resourceVersion && resourceVersion !== found?.metadata.resourceVersion)
      return [409, { message: 'the object has been modified' }];
    assert.equal(namespace, sent.metadata?.namespace ?? namespace);
    const metadata = { ...found?.metadata, ...sent.metadata, resourceVersion: `${++version}` };
    const next = { ...found, ...sent, metadata };
    events.set(next.metadata.name, next);
    return [method === 'POST' ? 201 : 200, next];
  }

  function answer(method: string, path: string, body: string): [number, object] {
    const status = fault(method, path);
    if (status) return [status, { message: `made to fail with ${status}` }];
    if (EVENTS.test(path) && method !== 'GET') {
      writes.push(`${method} Event`);
      return answerEvent(method, path, JSON.parse(body) as StoredEvent);
    }
    if (method !== 'GET') writes.push(`${method} ${path === SECRET ? 'Secret' : 'configuration'}`);
    const sent = body ? JSON.parse(body) : undefined;
    if (path === SECRET && method === 'PATCH') {
      assert.equal(sent.data, undefined);
      secret ??= { metadata: { name: sent.metadata.name, resourceVersion: `${++version}` } };
      return [200, secret];
    }
    if (path === SECRET) {
      if (!secret) return [404, { message: 'secrets "kubectl-mcp-webhook" not found' }];
      if (method === 'GET') return [200, secret];
      if (sent.metadata.resourceVersion !== secret.metadata.resourceVersion)
        return [409, { message: 'the object has been modified' }];
      secret = { ...sent, metadata: { ...sent.metadata, resourceVersion: `${++version}` } };
      return [200, secret as Stored];
    }
    if (path === CONFIGURATION && method === 'GET') return [200, configuration()];
    if (path === CONFIGURATION && method === 'PATCH') {
      setBundle(bundlesIn(sent, ['inject.kubectl-mcp.dev'])[0] ?? '');
      return [200, configuration()];
    }
    if (path === EARLY_WORD && !early) return [404, { message: 'there is none' }];
    if (path === EARLY_WORD && method === 'PATCH') {
      const sentBundles = bundlesIn(sent, EARLY_ENTRIES);
      early = Object.fromEntries(EARLY_ENTRIES.map((each, index) => [each, sentBundles[index] ?? '']));
    }
    if (path === EARLY_WORD) {
      const webhooks = Object.entries(early ?? {}).map(([name, text]) => ({
        name,
        clientConfig: { ...(text && { caBundle: text }) },
      }));
      return [200, { metadata: { name: 'kubectl-mcp' }, webhooks }];
    }
    return [403, { message: `${method} ${path} is forbidden` }];
  }

  const server = createServer({ cert: leaf['tls.crt'], key: leaf['tls.key'] }, async (request, response) => {
    const body = await textOf(request);
    // Replicas that read at the same time have both read before one writes.
    await sleep(5);
    const [path = ''] = (request.url ?? '').split('?');
    const [status, object] =
      request.headers.authorization === `Bearer ${TOKEN}`
        ? answer(request.method ?? '', path, body)
        : [401, { message: 'Unauthorized' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(object));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  return {
    accountDirectory,
    port: (server.address() as AddressInfo).port,
    writes,
    events: () => [...events.values()],
    forgetEvents: () => events.clear(),
    secret: () => secret,
    secretText: (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString(),
    deleteSecret: () => void (secret = undefined),
    /** As `kubectl patch` does. */
    editSecret: (data: Record<string, string | undefined>) => {
      assert.ok(secret);
      const encoded = Object.entries(data).map(([key, text]) => [
        key,
        text && Buffer.from(text).toString('base64'),
      ]);
      secret = {
        metadata: { ...secret.metadata, resourceVersion: `${++version}` },
        data: { ...secret.data, ...Object.fromEntries(encoded) },
      };
    },
    bundle: () => bundles.at(-1)?.bundle ?? '',
    /** Of the entries of the ValidatingWebhookConfiguration. */
    earlyBundles: () => Object.values(early ?? {}).map((each) => Buffer.from(each, 'base64').toString()),
    setEarlyWord: (next: Record<string, string> | undefined) => void (early = next),
    /** All that API servers went by in the last so many milliseconds, as far as they learn of changes within these. */
    bundlesOfLast: (ms: number) => {
      const since = performance.now() - ms;
      const first = bundles.findLastIndex(({ at }) => at <= since);
      return bundles.slice(Math.max(first, 0)).map(({ bundle }) => bundle);
    },
    editBundle: (text: string) => setBundle(Buffer.from(text).toString('base64')),
    fail: (next: Fault) => void (fault = next),
    stop: () => {
      server.close();
      server.closeAllConnections();
      rmSync(accountDirectory, { recursive: true });
    },
  };
}

/** What the installed ValidatingAdmissionPolicy lets through: the caBundle of each entry, and nothing beside it. */
function bundlesIn(sent: Sent, entries: string[]): string[] {
  const { apiVersion: _, kind: __, metadata, webhooks, ...more } = sent;
  assert.deepEqual({ more, metadata }, { more: {}, metadata: { name: 'kubectl-mcp' } });
  assert.deepEqual(
    webhooks.map(({ name }) => name),
    entries,
  );
  for (const { name: ___, clientConfig, ...others } of webhooks) {
    assert.deepEqual([Object.keys(clientConfig), others], [['caBundle'], {}]);
  }
  return webhooks.map(({ clientConfig }) => clientConfig.caBundle);
}

async function textOf(request: IncomingMessage): Promise<string> {
  return (await request.setEncoding('utf8').toArray()).join('');
}
