import type { Receiver } from './receiver.ts';

const MAX_KEPT = 100;
const MAX_KEPT_BYTES = 64 * 1024;

/** Notifications that came while a call's client was being asked: it gets them when it comes back. The first are kept. */
export class Missed {
  #kept: { data: Buffer; method: string }[] = [];
  #bytes = 0;

  keep(data: Buffer, method: string): void {
    if (this.#kept.length === MAX_KEPT || this.#bytes + data.length > MAX_KEPT_BYTES) return;
    this.#bytes += data.length;
    // A copy: the piece would keep the whole of what it was cut from.
    this.#kept.push({ data: Buffer.from(data), method });
  }

  tell(receiver: Receiver): void {
    for (const { data, method } of this.#kept) receiver.notification(data, method);
    this.#kept = [];
    this.#bytes = 0;
  }
}
