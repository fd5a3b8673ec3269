/** Many streams held open at once by one client, none of which says anything. */
import { legacyListen, modernListen, openSession } from './messages.ts';
import { crowd } from './rude.ts';
import { openWire, type Caller, type Wire } from './wire.ts';

export interface Held {
  readonly open: number;
  readonly faults: string[];
  /** Streams that got the event that was sent to all since they were opened. */
  heard(): number;
  /** Streams that ended from the other side. */
  lost(): number;
  /** Resets all of them at once. */
  drop(): void;
}

const EVENT = '"data":"broadcast"';

/** Opens `count` streams, of both eras in turn, at most `width` at a time. */
export async function holdStreams(caller: Caller, count: number, width: number): Promise<Held> {
  const polite = await openSession(caller);
  const wires: Wire[] = [polite.wire];
  let heard = 0;
  let lost = 0;
  let dropped = false;
  const { faults } = await crowd(count, width, async (index) => {
    const wire = await openWire(caller);
    const request = index % 2 ? modernListen(caller, index) : legacyListen(caller, polite.session);
    const status = await wire.listen(request, (text) => {
      if (text.includes(EVENT)) heard++;
    });
    if (status !== 200) {
      wire.reset();
      throw new Error(`the stream was answered ${status}`);
    }
    wire.socket.on('close', () => {
      if (!dropped) lost++;
    });
    wires.push(wire);
  });
  return {
    open: wires.length - 1,
    faults,
    heard: () => heard,
    lost: () => lost,
    drop() {
      dropped = true;
      for (const wire of wires) wire.reset();
    },
  };
}
