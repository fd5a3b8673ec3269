import type { Exchange, Reply } from '../../exchange.ts';
import { Missed } from './missed.ts';
import type { Outcome } from './parked-rounds.ts';
import { Receiver } from './receiver.ts';

/** Whoever waits for what a call says: a client whose stream was cut may be there twice for a while, or not at all. */
export class Audience {
  readonly #serverInfo: unknown;
  readonly #receivers = new Set<Receiver>();
  readonly #missed = new Missed();
  /** What came while nobody was there. */
  #outcome: Outcome | undefined;

  constructor(serverInfo: unknown) {
    this.#serverInfo = serverInfo;
  }

  get absent(): boolean {
    return this.#receivers.size === 0;
  }

  /** It is told what was said while nobody was there. */
  join(exchange: Exchange, reply: Reply): void {
    const receiver = new Receiver(exchange, reply, this.#serverInfo);
    this.#receivers.add(receiver);
    this.#missed.tell(receiver);
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (outcome) this.give(outcome);
  }

  /** @returns whether it was there: one that has had its answer is nobody's loss */
  leave(exchange: Exchange): boolean {
    const gone = [...this.#receivers].find((each) => each.exchange === exchange);
    return gone !== undefined && this.#receivers.delete(gone);
  }

  notification(data: Buffer, method: string): void {
    for (const receiver of this.#receivers) receiver.notification(data, method);
    if (this.absent) this.#missed.keep(data, method);
  }

  /** Everybody has had his answer then. */
  give(outcome: Outcome): void {
    const receivers = [...this.#receivers];
    this.#receivers.clear();
    if (receivers.length === 0) this.#outcome = outcome;
    for (const receiver of receivers) receiver.give(outcome);
  }
}
