/** Callers who take all that the limits leave them, and more. */
import { modernCall, modernListen } from './messages.ts';
import { crowd } from './rude.ts';
import { openWire, post, type Caller, type Wire } from './wire.ts';

export interface Taken {
  release(): void;
}

const LONG_MS = 600_000;
const MIB = 2 ** 20;
const WIDTH = 16;

/**
 * Fills the table of sessions, then streams, then calls with the largest bodies, calls of middling ones, calls whose
 * large results nobody reads, and last connections that send half a head. Nothing is closed until `release`.
 * @param callers as many as it takes to use up what all have together
 */
export async function takeAll(callers: readonly Caller[]): Promise<Taken> {
  const wires: Wire[] = [];
  const callerOf = (index: number): Caller => callers[index % callers.length]!;

  async function step(tried: number, job: (index: number, wire: Wire) => Promise<void>): Promise<void> {
    const mine: Wire[] = [];
    await crowd(tried, WIDTH, async (index) => {
      const wire = await openWire(callerOf(index));
      mine.push(wire);
      wire.socket.on('error', () => undefined);
      await job(index, wire);
    });
    await settled();
    wires.push(...mine.filter(isHeld));
    // A refused connection takes the place of one that could hold something.
    for (const wire of mine) if (!isHeld(wire)) wire.reset();
  }

  await crowd(8_000, WIDTH, async (index) => {
    const caller = callerOf(index);
    const wire = await openWire(caller);
    await wire.ask(longInitialize(caller, index)).catch(() => undefined);
    wire.reset();
  });
  await step(1_200, async (index, wire) => {
    wire.send(modernListen(callerOf(index), index));
  });
  await step(8, async (index, wire) => {
    const members = Array.from({ length: 350_000 }, (_, at) => `"${at.toString(36)}":0`).join(',');
    wire.send(modernCall(callerOf(index), 'wait', `{"wait_ms":${LONG_MS},${members}}`));
  });
  await step(16, async (index, wire) => {
    wire.send(modernCall(callerOf(index), 'wait', padded(4 * MIB - 1_000)));
  });
  await step(150, async (index, wire) => {
    wire.send(modernCall(callerOf(index), 'wait', padded(15_800)));
  });
  await step(250, async (index, wire) => {
    // From the first bytes on it reads no more.
    wire.socket.once('data', () => wire.socket.pause());
    wire.send(modernCall(callerOf(index), 'echo', '{"bytes":4000000}'));
  });
  // What nobody reads may have gone into the kernel's buffers as a whole; then calls are free again.
  await step(200, async (index, wire) => {
    wire.send(modernCall(callerOf(index), 'wait', padded(15_800)));
  });
  await step(2_500, async (index, wire) => {
    wire.send(post(callerOf(index), '', `X-Long: ${'x'.repeat(15_000)}`).slice(0, -30));
  });
  return {
    release() {
      for (const wire of wires) wire.reset();
    },
  };
}

/** Neither answered nor ended, or a stream that was opened. */
const isHeld = ({ socket, received }: Wire): boolean =>
  !socket.destroyed && (received() === '' || received().startsWith('HTTP/1.1 200'));

function longInitialize(caller: Caller, index: number): string {
  const params = `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"${index}${'x'.repeat(1_900)}","version":"1"}}`;
  return post(caller, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":${params}}`);
}

const padded = (bytes: number): string => `{"wait_ms":${LONG_MS},"text":"${'x'.repeat(bytes)}"}`;

/** What was written has arrived and was answered, if it is answered at once. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2_000));
