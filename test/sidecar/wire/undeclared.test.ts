/** A server of sessions that asks what its client of 2026-07-28 has not declared. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { postModern } from './modern-meta.ts';
import { stops } from './proxied.ts';
import { startSidecar, untilHealth } from './start-sidecar.ts';
import { startV1Server } from './v1-server.ts';

const content = [{ type: 'text' as const, text: 'said by the model' }];
const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'Say' } }];
const sample = (server: McpServer, relatedRequestId: string | number) =>
  server.server.createMessage({ messages, maxTokens: 9 }, { relatedRequestId });

async function call(name: string, capabilities: object) {
  const port = await startV1Server((server) => {
    server.registerTool('needs', {}, async ({ requestId }) => {
      await sample(server, requestId);
      return { content };
    });
    server.registerTool('tries', {}, async ({ requestId }) => {
      await sample(server, requestId).catch(() => undefined);
      return { content };
    });
    server.registerTool('fails', {}, () => {
      throw new Error('for another reason');
    });
  });
  const sidecar = await startSidecar({ upstreamPort: port });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return postModern(sidecar.url, 'tools/call', { name, arguments: {} }, { capabilities });
}

describe('a tool that asks for what its client has not declared', () => {
  test('ends with what the client would have had to declare when it cannot do without', async () => {
    for (const capabilities of [{}, { elicitation: {} }]) {
      const { status, last } = await call('needs', capabilities);
      assert.equal(status, 400);
      assert.deepEqual(last.error, {
        code: -32021,
        message: 'The server needs what this client has not declared: sampling',
        data: { requiredCapabilities: { sampling: {} } },
      });
    }
  });

  test('gives its result when it can', async () => {
    const { status, last } = await call('tries', {});
    assert.equal(status, 200);
    assert.deepEqual(last.result.content, content);
  });

  test('and one that fails without having asked says why itself', async () => {
    const { status, last } = await call('fails', {});
    assert.equal(status, 200);
    assert.equal(last.result.isError, true);
  });
});
