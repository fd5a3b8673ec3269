import type { Transit } from '../exchange.ts';

/** The way of an exchange that begins when what it needs is there; a client that has gone by then begins nothing. */
export function whenThere<T>(
  coming: Promise<T>,
  begin: (found: T) => Transit,
  failed: (error: Error) => void,
): Transit {
  let transit: Transit | undefined;
  let gone = false;
  coming
    .then((found) => {
      if (!gone) transit = begin(found);
    })
    .catch((error: Error) => {
      if (!gone) failed(error);
    });
  return {
    abort() {
      gone = true;
      transit?.abort();
    },
    pause: () => transit?.pause(),
    resume: () => transit?.resume(),
  };
}
