/** Secrets in what a server sends, through the whole sidecar, for clients and servers of both eras. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { secretOf } from '../mask/forms.ts';
import { isIn, SHAPED, UNSHAPED } from '../mask/planted.ts';
import { postModern } from './modern-meta.ts';
import { call, initialize, post } from './post.ts';
import {
  type Answer,
  type ScriptedServer,
  sendJson,
  sendResult,
  startScriptedServer,
  startStream,
  type Recorded,
} from './scripted-server.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';

const SECRETS = [UNSHAPED[0]!, SHAPED[0]!, SHAPED.at(-1)!];
const result = {
  content: SECRETS.flatMap((each) => [
    { type: 'text', text: JSON.stringify(secretOf(each)) },
    { type: 'text', text: `Bearer ${SHAPED[0]}` },
  ]),
  structuredContent: { found: SECRETS.map(secretOf) },
};
const stops: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const stop of stops.toReversed()) await stop();
});

/** Of sessions that the sidecar opens for clients of the other era, too. */
const answer = (server: ScriptedServer, given: Answer): void => {
  server.answers.set('tools/call', given);
  server.answersToSidecar.set('tools/call', given);
};

const ask = async (sidecar: TestSidecar, era: 'legacy' | 'modern', args: object): Promise<string> => {
  if (era === 'modern')
    return (await postModern(sidecar.url, 'tools/call', { name: 'echo', arguments: args })).body;
  const session = await initialize(sidecar.url);
  return (await post(sidecar.url, call('echo', 1, args), { 'mcp-session-id': session })).body;
};

const FRAMINGS = {
  json: (request: Recorded, response: Parameters<typeof sendResult>[1], value: object) =>
    sendResult(request, response, value),
  sse: (request: Recorded, response: Parameters<typeof sendResult>[1], value: object) => {
    const send = startStream(response);
    send({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: SHAPED[0] } });
    send({ jsonrpc: '2.0', id: request.message?.id, result: value });
    response.end();
  },
};

for (const serverEra of ['legacy', 'modern'] as const)
  for (const [framing, send] of Object.entries(FRAMINGS))
    describe(`a server of the era ${serverEra} that answers in ${framing}`, async () => {
      const server = await startScriptedServer(0, serverEra);
      stops.push(server.stop);
      const start = async (mask: 'none' | 'default') => {
        const sidecar = await startSidecar({ upstreamPort: server.port, edge: { mask } });
        stops.push(sidecar.stop);
        await untilHealth(sidecar, 'healthy');
        return sidecar;
      };
      for (const era of ['legacy', 'modern'] as const)
        test(`tells no secret to clients of the era ${era} where masking is on, and all where it is off`, async () => {
          const [off, on] = [await start('none'), await start('default')];
          answer(server, (request, response) =>
            send(request, response, { ...result, ...(serverEra === 'modern' && { resultType: 'complete' }) }),
          );
          const open = await ask(off, era, {});
          for (const each of SECRETS) assert.ok(isIn(open, each), open);
          const masked = await ask(on, era, {});
          for (const each of SECRETS) assert.ok(!isIn(masked, each), masked);
          assert.match(masked, /Opaque/);
          const value = UNSHAPED[1]!;
          answer(server, (request, response) =>
            send(request, response, {
              content: [{ type: 'text', text: value }],
              ...(serverEra === 'modern' && { resultType: 'complete' }),
            }),
          );
          const args = { resource: 'secret/db', output: 'jsonpath={.data.p}' };
          assert.ok((await ask(on, era, {})).includes(value));
          assert.ok(!(await ask(on, era, args)).includes(value));
        });
    });

test('an error of the server and what the audit keeps of it are masked', async () => {
  const server = await startScriptedServer();
  stops.push(server.stop);
  const sidecar = await startSidecar({ upstreamPort: server.port, edge: { mask: 'default' } });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  server.answers.set('tools/call', ({ message }, response) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id: message?.id,
      error: { code: -32603, message: `no ${SHAPED[0]}` },
    }),
  );
  const { body } = await post(sidecar.url, call('echo'));
  assert.equal(JSON.parse(body).error.message, 'no ***');
  await sidecar.settled();
  assert.ok(!JSON.stringify(sidecar.audit).includes(SHAPED[0]!));
});
