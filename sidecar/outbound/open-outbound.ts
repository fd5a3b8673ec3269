import type { Log } from '../log.ts';
import type { Outbound } from './outbound.ts';
import type { OutboundConfig } from './outbound-config.ts';

/** One for all parts of a server that need it; made when the first one asks. */
export interface OutboundDoor {
  open(): Promise<Outbound>;
  /** Undefined where nobody has asked. */
  problem(): string | undefined;
  close(): void;
}

export function outboundDoor(config: OutboundConfig | undefined, log: Log): OutboundDoor {
  let opening: Promise<Outbound> | undefined;
  let opened: Outbound | undefined;
  let closed = false;

  async function make(): Promise<Outbound> {
    const { createOutbound } = await import('./outbound.ts');
    opened = await createOutbound(config ?? {}, log);
    if (closed) opened.close();
    return opened;
  }

  return {
    open: () => (opening ??= make()),
    problem: () => opened?.problem(),
    close() {
      closed = true;
      opened?.close();
    },
  };
}
