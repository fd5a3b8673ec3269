/** A server of sessions that refuses a call until its user has opened a page (-32042), and clients of 2026-07-28. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { postModern, type ModernAnswer } from './modern-meta.ts';
import { stops } from './proxied.ts';
import { startSidecar, untilHealth } from './start-sidecar.ts';
import { startV1Server } from './v1-server.ts';

interface Pages {
  readonly url: string;
  /** Calls that the server has got. */
  calls: number;
  /** The user is done, and the server says so. */
  readonly finish: (() => void)[];
}

/** @param opened after how many calls the page has been opened, if nobody says so before */
async function start(opened = Infinity): Promise<Pages> {
  let calls = 0;
  let done = false;
  const finish: (() => void)[] = [];
  const port = await startV1Server((server) => {
    server.registerTool('pay', {}, () => {
      if (done || ++calls > opened) return { content: [{ type: 'text', text: 'paid' }] };
      const elicitationId = `page-${calls}`;
      finish.push(() => {
        done = true;
        void server.server.createElicitationCompletionNotifier(elicitationId)();
      });
      const url = `https://pay.example.com/${calls}`;
      throw new UrlElicitationRequiredError([{ mode: 'url', elicitationId, url, message: 'Pay first' }]);
    });
  });
  const sidecar = await startSidecar({ upstreamPort: port });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return {
    url: sidecar.url,
    finish,
    get calls() {
      return calls;
    },
  };
}

const pay = (url: string, more: Record<string, unknown> = {}, elicitation: object = { url: {} }) =>
  postModern(url, 'tools/call', { name: 'pay', arguments: {}, ...more }, { capabilities: { elicitation } });
const yes = ({ last }: ModernAnswer, action = 'accept') => ({
  requestState: last.result.requestState,
  inputResponses: { [Object.keys(last.result.inputRequests)[0]!]: { action } },
});

describe('a call that needs its user to open a page first', () => {
  test('asks for that, and goes on when the server says that it is done', async () => {
    const { url, finish } = await start();
    const asked = await pay(url);
    assert.equal(asked.last.result.resultType, 'input_required');
    assert.deepEqual(Object.values(asked.last.result.inputRequests), [
      {
        method: 'elicitation/create',
        params: { mode: 'url', message: 'Pay first', url: 'https://pay.example.com/1' },
      },
    ]);
    const retried = pay(url, yes(asked));
    finish[0]!();
    const { last } = await retried;
    assert.equal(last.result.content[0].text, 'paid');
    // The same answers again are the same call.
    assert.equal((await pay(url, yes(asked))).last.result.content[0].text, 'paid');
  });

  test('goes on at once when the server has said so before the client answers', async () => {
    const { url, finish } = await start();
    const asked = await pay(url);
    finish[0]!();
    assert.equal((await pay(url, yes(asked))).last.result.content[0].text, 'paid');
  });

  test('ends with an error when the user will not, and the server is not asked again', async () => {
    const pages = await start();
    const asked = await pay(pages.url);
    const { last } = await pay(pages.url, yes(asked, 'decline'));
    assert.equal(last.error.code, -32603);
    assert.match(last.error.message, /open a page first; the answer was decline/);
    assert.equal(pages.calls, 1);
  });

  test('is refused for a client that opens none: it is told what to declare', async () => {
    const { url } = await start();
    for (const elicitation of [{}, { form: {} }]) {
      const { status, last } = await pay(url, {}, elicitation);
      assert.equal(status, 400);
      assert.equal(last.error.code, -32021);
      assert.deepEqual(last.error.data, { requiredCapabilities: { elicitation: { url: {} } } });
    }
  });

  test('works for the SDK’s client, which opens the page and says yes', async () => {
    const { url, finish } = await start();
    const client = new Client(
      { name: 'opens', version: '1' },
      { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    client.setRequestHandler('elicitation/create', () => {
      finish.at(-1)!();
      return { action: 'accept' };
    });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    const { content } = await client.callTool({ name: 'pay', arguments: {} });
    assert.deepEqual(content, [{ type: 'text', text: 'paid' }]);
    await client.close();
  });
});
