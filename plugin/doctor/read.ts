/** Reads of a cluster in which a refusal is an answer. */
import { apiStatusOf, isForbidden, isNotFound } from '../kube/errors.ts';
import type { Read } from './snapshot.ts';

/**
 * What was read, or why it is not known.
 * @param what completes "no permission to": `list pods in namespace demo`.
 * @throws when there is no API server to ask, or it does not know the user: then nothing can be checked.
 */
export async function tryRead<T>(
  what: string,
  read: () => Promise<T>,
  signal: AbortSignal,
): Promise<Read<T>> {
  try {
    return { value: await Promise.race([read(), whenOver(signal)]) };
  } catch (error) {
    if (error instanceof TimeIsOver) return { unknown: `no answer in time to ${what}` };
    const status = apiStatusOf(error);
    if (!status || status.code === 401) throw error;
    return { unknown: isForbidden(error) ? `no permission to ${what}` : `${what}: ${status.message}` };
  }
}

/** For a single object, of which there may be none. */
export const orNull = <T>(read: Promise<T>): Promise<T | null> =>
  read.catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });

class TimeIsOver extends Error {}

const whenOver = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const stop = (): void => reject(new TimeIsOver());
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

export const valueOf = <T>(read: Read<T>): T | undefined => ('value' in read ? read.value : undefined);
