import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import {
  ElicitRequestSchema,
  ToolListChangedNotificationSchema,
  type ClientCapabilities,
} from '@modelcontextprotocol/sdk/types.js';
import { freePorts } from '../../conformance/ports.ts';
import { createReferenceServer, type Eras } from '../../conformance/reference/server.ts';
import { startEverythingServer } from './everything-server.ts';
import { call, post } from './post.ts';
import { as, tokens } from './proxied.ts';
import { startSidecar, untilHealth, type SidecarOptions, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const stops: (() => unknown)[] = [];
after(async () => {
  for (const stop of stops.toReversed()) await stop();
});

async function inFrontOf(options: SidecarOptions): Promise<TestSidecar> {
  const sidecar = await startSidecar(options);
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return sidecar;
}
async function reference(eras: Eras, options: Partial<SidecarOptions> = {}): Promise<TestSidecar> {
  const server = createReferenceServer({ eras }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close().closeAllConnections());
  return inFrontOf({ upstreamPort: (server.address() as AddressInfo).port, ...options });
}
async function everything(): Promise<TestSidecar> {
  const [upstreamPort] = (await freePorts(1)) as [number];
  stops.push((await startEverythingServer(upstreamPort, 'sse')).kill);
  return inFrontOf({ upstreamPort, upstreamPath: '/sse', upstream: { transport: 'sse' } });
}
const sseUrl = ({ url }: TestSidecar): URL => new URL(url.replace(/mcp$/, 'sse'));

async function connected(
  sidecar: TestSidecar,
  capabilities: ClientCapabilities = {},
  headers = {},
): Promise<Client> {
  const client = new Client({ name: 'old', version: '1' }, { capabilities });
  if (capabilities.elicitation)
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
      action: 'accept' as const,
      content: { username: params.message, email: 'a@b', name: 'Ada', check: true },
    }));
  await client.connect(
    new SSEClientTransport(sseUrl(sidecar), {
      requestInit: { headers },
      eventSourceInit: {
        fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers, ...headers } }),
      },
    }),
  );
  return client;
}

const KINDS: readonly (readonly [string, () => Promise<TestSidecar>, string, object])[] = [
  ['both eras', () => reference('both'), 'test_elicitation', { message: 'who?' }],
  ['sessions alone', () => reference('legacy'), 'test_elicitation', { message: 'who?' }],
  ['2026-07-28 alone', () => reference('modern'), 'test_elicitation', { message: 'who?' }],
  ['HTTP+SSE', everything, 'trigger-elicitation-request', {}],
];

describe('a client of HTTP+SSE (2024-11-05) and a server of', () => {
  for (const [kind, start, asks, args] of KINDS)
    test(`${kind}: tools, progress, questions`, async () => {
      const sidecar = await start();
      const client = await connected(sidecar, { elicitation: {} });
      const { tools } = await client.listTools();
      assert.ok(tools.length > 5);
      const slow = tools.find(({ name }) => /progress|long-running/.test(name))!.name;
      const seen: number[] = [];
      await client.callTool({ name: slow, arguments: { duration: 0.3, steps: 3 } }, undefined, {
        onprogress: ({ progress }) => void seen.push(progress),
      });
      // The client forgets the call with its result, and drops progress that came in one piece with that.
      assert.ok(seen.length > 1, `progress of ${slow}: ${seen.join(', ')}`);
      assert.match(
        JSON.stringify(await client.callTool({ name: asks, arguments: { ...args } })),
        /who\?|Ada/,
      );
      await client.ping();
      await client.close();
    });

  test('sessions is told of changes', async () => {
    const client = await connected(await reference('legacy'));
    let changes = 0;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++);
    await waitFor('a change', async () => {
      await client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
      return changes;
    });
    await client.close();
  });
});

describe('the messages of a client of HTTP+SSE', () => {
  test('are judged one by one: by their token, and by the filter', async () => {
    const auth = tokens()!;
    const sidecar = await reference('both', { auth, filter: { denyTools: ['test_image_content'] } });
    await assert.rejects(connected(sidecar), /401|Unauthorized/i);
    const client = await connected(sidecar, {}, as('alice'));
    await assert.rejects(client.callTool({ name: 'test_image_content', arguments: {} }), { code: -32602 });
    assert.match(
      JSON.stringify(await client.callTool({ name: 'test_simple_text', arguments: {} })),
      /simple text/,
    );
    const calls = sidecar.audit.filter(({ type }) => type === 'mcp_tool_call');
    assert.deepEqual(
      calls.map(({ outcome }) => outcome),
      ['denied', 'success'],
    );
    await client.close();
  });

  test('belong to a stream that is there, and to its caller', async () => {
    const sidecar = await reference('both', { auth: tokens()! });
    const messages = sseUrl(sidecar).href.replace(/sse$/, 'messages');
    assert.equal((await post(`${messages}?sessionId=nope`, call('x'), as('alice'))).status, 404);
    assert.equal((await post(messages, call('x'), as('alice'))).status, 404);
  });

  test('end with the stream: the server’s session too', async () => {
    const sidecar = await reference('legacy');
    const client = await connected(sidecar);
    await client.close();
    await waitFor('the end of the session', () =>
      sidecar.audit.find(
        ({ target }) => target.endpoint === 'DELETE' || JSON.stringify(target).includes('DELETE'),
      ),
    );
  });
});
