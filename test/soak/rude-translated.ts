/** Clients of translated calls that leave without a word, answer twice, late or not at all, or come back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { get, openWire, post, type Caller, type Wire } from './wire.ts';
import { openSession } from './messages.ts';
import { TOKENS } from './processes.ts';

const META = 'io.modelcontextprotocol/';
/** More than a caller may have sessions with the server: they push each other out. */
const PROGRAMS = 24;

function asked(caller: Caller, index: number, more: Record<string, unknown> = {}): string {
  const params = {
    name: 'ask',
    arguments: { question: `q${index}` },
    ...more,
    _meta: {
      [`${META}protocolVersion`]: '2026-07-28',
      [`${META}clientCapabilities`]: { elicitation: { form: {} } },
      [`${META}clientInfo`]: { name: `soak-${Math.floor(index / TOKENS.length) % PROGRAMS}`, version: '1' },
    },
  };
  const message = JSON.stringify({ jsonrpc: '2.0', id: index, method: 'tools/call', params });
  const headers = 'Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: ask\r\n';
  return post(caller, message, headers);
}

export const PARKED_STAGES = [
  'leaves at once',
  'answers',
  'answers twice',
  'answers and leaves',
  'answers otherwise',
  'leaves while it is asked, and comes back',
] as const;

/** A call that is parked for its client. Beyond what may be parked the answer is one that says so. */
export async function parkedClient(
  caller: Caller,
  index: number,
  stage: (typeof PARKED_STAGES)[number] | 'never answers',
): Promise<void> {
  const wire = await openWire(caller);
  if (stage === 'leaves at once') {
    wire.send(asked(caller, index));
    await sleep(index % 5);
    return wire.reset();
  }
  const { body } = await wire.ask(asked(caller, index));
  const state = /"requestState":"([^"]+)"/.exec(body)?.[1];
  // Too many sessions in use, or too many questions open: told, and no fault.
  if (state === undefined || stage === 'never answers') return wire.reset();
  const told = (answer: string): string =>
    asked(caller, index, {
      requestState: state,
      inputResponses: { 1: { action: 'accept', content: { answer } } },
    });
  if (stage === 'answers and leaves') {
    // Not by a reset, which may take the answer with it: then the question stays open for ten minutes.
    wire.socket.end(told('yes'));
    await sleep(index % 20);
    return void wire.socket.destroy();
  }
  if (stage === 'leaves while it is asked, and comes back') {
    wire.reset();
    const again = await openWire(caller);
    expectText((await again.ask(told('back'))).body, `q${index}: back`);
    return again.reset();
  }
  expectText((await wire.ask(told('yes'))).body, `q${index}: yes`);
  if (stage === 'answers twice') expectText((await wire.ask(told('yes'))).body, `q${index}: yes`);
  if (stage === 'answers otherwise') expectText((await wire.ask(told('no'))).body, 'answered otherwise');
  wire.reset();
}

export const CUT_STAGES = [
  'leaves a call',
  'resumes a call',
  'resumes it twice at once',
  'ends the session in a call',
  'leaves its stream',
  'resumes its stream',
  'begins another stream',
] as const;

/** A session whose streams are cut. */
export async function cutClient(caller: Caller, stage: (typeof CUT_STAGES)[number]): Promise<void> {
  const { wire, session } = await openSession(caller);
  const own = `Mcp-Session-Id: ${session}\r\nMcp-Protocol-Version: 2025-11-25\r\n`;
  const unasked = stage.includes('stream');
  const message =
    '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"wait","_meta":{"progressToken":1}}}';
  const id = await firstId(wire, unasked ? get(caller, own) : post(caller, message, own));
  if (stage === 'ends the session in a call') {
    const other = await openWire(caller);
    other.send(get(caller, own).replace('GET', 'DELETE'));
    await sleep(2);
    other.reset();
    return wire.reset();
  }
  wire.reset();
  if (stage.startsWith('leaves')) return;
  const resumed = async (): Promise<string> => {
    const next = await openWire(caller);
    let heard = '';
    const status = await next.listen(
      get(caller, `${own}Last-Event-ID: ${id}\r\n`),
      (text) => (heard += text),
    );
    if (status !== 200) throw new Error(`the resumed stream was answered ${status}`);
    const dueMs = unasked ? 0 : 5_000;
    // Until it has the answer, or another has taken the stream.
    const over = (): boolean => heard.includes('waited') || heard.endsWith('\r\n0\r\n\r\n');
    for (let waited = 0; waited < dueMs && !over(); waited += 5) await sleep(5);
    next.reset();
    return heard;
  };
  if (stage === 'begins another stream') {
    const next = await openWire(caller);
    await firstId(next, get(caller, own));
    return next.reset();
  }
  if (stage === 'resumes it twice at once') {
    const heard = await Promise.all([resumed(), resumed()]);
    // The second takes the stream from the first.
    return expectText(heard.join(''), 'waited');
  }
  const heard = await resumed();
  if (!unasked) expectText(heard, 'waited');
}

/** Of the stream that answers the request. */
async function firstId(wire: Wire, request: string): Promise<string> {
  let heard = '';
  const status = await wire.listen(request, (text) => (heard += text));
  if (status !== 200) throw new Error(`a stream was answered ${status}`);
  for (let waited = 0; waited < 5_000; waited += 2) {
    const id = /^id: (.+)$/m.exec(heard)?.[1]?.trim();
    if (id) return id;
    await sleep(2);
  }
  throw new Error(`no event with an id came: ${heard}`);
}

function expectText(body: string, wanted: string): void {
  if (!body.includes(wanted)) throw new Error(`${wanted} was expected: ${body.slice(0, 300)}`);
}
