import type { Transit } from '../../exchange.ts';
import type { HttpPool } from '../http-pool.ts';
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

/** For how long those of one round may come one after the other: on a stream of lines they do not come together. */
export const gatherMs = ({ oneStream }: Pick<HttpPool, 'oneStream'>): number => (oneStream ? 10 : 0);
