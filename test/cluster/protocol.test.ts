/** A server of the oldest transport, enabled as it stands, and clients of every kind that reach it through its Service. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { audienceOf } from '../../webhook/names.ts';
import { imageName } from '../images/build.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-protocol');
const ENTRY = '/app/node_modules/@modelcontextprotocol/server-everything/dist/index.js';
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: old, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: old } }
  template:
    metadata: { labels: { app: old } }
    spec:
      containers:
        - name: everything
          image: ${imageName('everything')}
          imagePullPolicy: Never
          args: [${ENTRY}, sse]
          ports: [{ containerPort: 3001 }]
          readinessProbe: { tcpSocket: { port: 3001 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: old, namespace: ${NAMESPACE} }
spec:
  selector: { app: old }
  ports: [{ port: 80, targetPort: 3001 }]
`;
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const NAME = 'trigger-elicitation-request';
const ANSWER = { action: 'accept' as const, content: { name: 'Ada', check: true } };

describe('a server of HTTP+SSE on a cluster', { skip: noCluster, timeout: 240_000 }, () => {
  let origin = '';
  let headers: Record<string, string> = {};

  before(async () => {
    await createNamespace(NAMESPACE);
    await kubectl(['apply', '-f', '-'], { input: MANIFEST });
    await inNamespace('rollout', 'status', 'deployment/old', '--timeout=120s');
    const { code, stderr } = await kubectlMcp('enable', 'deploy/old', '--transport=auto', '-n', NAMESPACE);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /found the server: port 3001\/sse of container everything answers legacy MCP over HTTP\+SSE/,
    );
    origin = `http://${await inNamespace('get', 'service', 'old', '-o', 'jsonpath={.spec.clusterIP}')}`;
    const token = await inNamespace(
      'create',
      'token',
      'default',
      `--audience=${audienceOf('old', NAMESPACE)}`,
    );
    headers = { authorization: `Bearer ${token.trim()}` };
  });
  after(() => removeNamespace(NAMESPACE));

  test('is listed with the transport that its sidecar has found, and called', async () => {
    await waitFor('the transport', async () => {
      const { stdout } = await kubectlMcp('list', '-n', NAMESPACE);
      return /deployment\/old +sse +kubernetes +1\/1/.test(stdout);
    });
    const called = await kubectlMcp('call', 'old', 'echo', '--arg', 'message=hi', '-n', NAMESPACE);
    assert.deepEqual([called.code, called.stdout], [0, 'Echo: hi\n'], called.stderr);
  });

  test('asks a client of 2026-07-28, one of 2025-11-25 and one of 2024-11-05', async () => {
    const modern = new Client(
      { name: 'modern', version: '1' },
      { capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    modern.setRequestHandler('elicitation/create', () => ANSWER);
    const requestInit = { headers };
    await modern.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit }));
    assert.match(JSON.stringify(await modern.callTool({ name: NAME, arguments: {} })), /Ada/);
    await modern.close();
    const eventSourceInit = {
      fetch: (url: string | URL, init?: RequestInit) =>
        fetch(url, { ...init, headers: { ...init?.headers, ...headers } }),
    };
    for (const transport of [
      new LegacyTransport(new URL(`${origin}/mcp`), { requestInit }) as Transport,
      new SSEClientTransport(new URL(`${origin}/sse`), { requestInit, eventSourceInit }),
    ]) {
      const client = new LegacyClient(
        { name: 'legacy', version: '1' },
        { capabilities: { elicitation: {} } },
      );
      client.setRequestHandler(ElicitRequestSchema, () => ANSWER);
      await client.connect(transport);
      assert.match(JSON.stringify(await client.callTool({ name: NAME, arguments: {} })), /Ada/);
      await client.close();
    }
  });
});
