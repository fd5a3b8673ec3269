import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createReferenceServer } from '../../conformance/reference/server.ts';
import { modernHeaders, modernRequest, postModern, type ModernMessage } from './modern-meta.ts';
import { HEADERS } from './post.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';

const server = createReferenceServer({ eras: 'legacy' });
let sidecar: TestSidecar;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  sidecar = await startSidecar({ upstreamPort: (server.address() as AddressInfo).port });
  await untilHealth(sidecar, 'healthy');
});
after(async () => {
  await sidecar?.stop();
  server.closeAllConnections();
  server.close();
});

/** Opens a listen stream and reads it message by message. */
async function listen(notifications: object, id: unknown = 'l1') {
  const method = 'subscriptions/listen';
  const leave = new AbortController();
  const response = await fetch(sidecar.url, {
    method: 'POST',
    headers: { ...HEADERS, ...modernHeaders(method, {}) },
    body: JSON.stringify(modernRequest(method, { notifications }, { id })),
    signal: leave.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  async function next(): Promise<ModernMessage> {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const event = text.slice(0, end);
        text = text.slice(end + 2);
        if (event.startsWith(':')) continue;
        return JSON.parse(event.replaceAll(/^event: message\n|^data: /gm, '')) as ModernMessage;
      }
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  }
  return { status: response.status, next, leave: () => leave.abort() };
}
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

describe('a listen stream of 2026-07-28 in front of a server of sessions', () => {
  test('says first what of the wishes it can do', async () => {
    const stream = await listen({ toolsListChanged: true, resourceSubscriptions: ['test://one'] }, 12);
    assert.equal(stream.status, 200);
    assert.deepEqual(await stream.next(), {
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: {
        notifications: { toolsListChanged: true, resourceSubscriptions: ['test://one'] },
        _meta: { [SUBSCRIPTION]: 12 },
      },
    });
    stream.leave();
  });

  test('tells of changes that were asked for, with its id, and of no others', async () => {
    const tools = await listen({ toolsListChanged: true }, 'tools');
    const prompts = await listen({ promptsListChanged: true }, 'prompts');
    await tools.next();
    await prompts.next();
    await postModern(sidecar.url, 'tools/call', { name: 'test_trigger_prompt_change', arguments: {} });
    await postModern(sidecar.url, 'tools/call', { name: 'test_trigger_tool_change', arguments: {} });
    const told = await tools.next();
    assert.deepEqual(
      [told.method, told.params['_meta'][SUBSCRIPTION]],
      ['notifications/tools/list_changed', 'tools'],
    );
    const prompted = await prompts.next();
    assert.deepEqual(
      [prompted.method, prompted.params['_meta'][SUBSCRIPTION]],
      ['notifications/prompts/list_changed', 'prompts'],
    );
    tools.leave();
    prompts.leave();
  });
});
