/**
 * A server that is broken, or hostile. Whatever it does to one call, the caller gets a clear error with the id of the
 * call, and others, who call all the while, get their own answers and nothing else.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call, post } from '../sidecar/wire/post.ts';
import { startSidecar, untilAudit, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { HOSTILE_ANSWERS } from './hostile-answers.ts';
import { startRawServer, type RawServer } from './raw-server.ts';

/** As a caller sees it: the status, and the error with the id, in a body or as the last event of a stream. */
async function outcomeOf(url: string, id: string, tool: string) {
  const { status, headers, body } = await post(url, call(tool, id), as(tool));
  const last = headers.get('content-type')?.startsWith('text/event-stream')
    ? body
        .trimEnd()
        .split('\n\n')
        .at(-1)
        ?.replace(/^data: /m, '')
    : body;
  return { status, body, last };
}

const as = (name: string) => ({ authorization: `Bearer token-of-${name}` });

describe('the caller of a server that', { concurrency: true }, () => {
  let server: RawServer;
  let sidecar: TestSidecar;
  let over = false;
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-hostile-'));
  const bystanders: Promise<number>[] = [];

  before(async () => {
    server = await startRawServer();
    for (const [index, { does }] of HOSTILE_ANSWERS.entries()) server.scripts.set(`tool-${index}`, does);
    // A caller each: what a server does to one is then told apart from what it does to another.
    for (const name of ['bystander', ...server.scripts.keys()])
      writeFileSync(join(directory, name), `token-of-${name}`);
    sidecar = await startSidecar({
      upstreamPort: server.port,
      upstream: { requestTimeoutMs: 1_000 },
      auth: { mode: 'token', source: 'secret/tokens', directory },
    });
    await untilHealth(sidecar, 'healthy');
    for (let each = 0; each < 4; each++) bystanders.push(bystander(each));
  });
  after(async () => {
    over = true;
    const calls = await Promise.allSettled(bystanders);
    await sidecar.stop();
    await server.stop();
    rmSync(directory, { recursive: true });
    for (const each of calls) {
      if (each.status === 'rejected') throw each.reason;
      assert.ok(each.value > 10);
    }
  });

  /** Calls until all is over, and gets what belongs to it and nothing else. */
  async function bystander(index: number): Promise<number> {
    for (let nth = 0; ; nth++) {
      if (over) return nth;
      const marker = `bystander-${index}-${nth}`;
      const { status, body } = await post(sidecar.url, call('echo', marker, { marker }), as('bystander'));
      assert.equal(status, 200, body);
      assert.deepEqual(JSON.parse(body), {
        jsonrpc: '2.0',
        id: marker,
        result: { content: [{ type: 'text', text: marker }] },
      });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  for (const [index, { title, gets, outcome }] of HOSTILE_ANSWERS.entries()) {
    test(`${title} gets ${describeGets(gets)}`, async () => {
      const id = `call-${index}`;
      const given = outcomeOf(sidecar.url, id, `tool-${index}`);
      if (gets === 'cut') await assert.rejects(given);
      else {
        const { status, body, last } = await given;
        assert.equal(status, gets.status, body);
        if ('body' in gets) assert.match(body, gets.body);
        else {
          const { id: told, error } = JSON.parse(last ?? '');
          assert.equal(told, id);
          assert.equal(error.code, -32603);
          assert.match(error.message, gets.error);
        }
      }
      const record = await untilAudit(sidecar, (each) => each.source.extra.request_id === `"${id}"`);
      assert.equal(record.outcome, outcome);
      assert.equal(server.requests.filter((each) => each.message?.id === id).length, 1, 'sent once');
    });
  }
});

function describeGets(gets: (typeof HOSTILE_ANSWERS)[number]['gets']): string {
  if (gets === 'cut') return 'an answer that visibly breaks off';
  return 'error' in gets ? `${gets.status} and ${gets.error.source}` : `its answer (${gets.status})`;
}
