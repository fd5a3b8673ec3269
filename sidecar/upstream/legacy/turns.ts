import type { Transit } from '../../exchange.ts';
import { whenThere } from '../when-there.ts';

/** One at a time for each session: the next begins when the one before is done. */
export class Turns {
  readonly #last = new WeakMap<object, Promise<void>>();

  /** @param begin must call `done` once, however it ends */
  take(session: object, begin: (done: () => void) => Transit, failed: (error: Error) => void): Transit {
    const { promise, resolve: done } = Promise.withResolvers<void>();
    const before = this.#last.get(session) ?? Promise.resolve();
    this.#last.set(
      session,
      before.then(() => promise),
    );
    let begun = false;
    const transit = whenThere(
      before,
      () => {
        begun = true;
        return begin(done);
      },
      (error) => {
        done();
        failed(error);
      },
    );
    return {
      ...transit,
      abort() {
        transit.abort();
        if (!begun) done();
      },
    };
  }
}
