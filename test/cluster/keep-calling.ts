/** A caller that does not stop: what it is answered tells whether a change cut anyone off. */
import { initialize } from './initialize.ts';

const PERIOD_MS = 50;

/** The status, or why there was none. */
export async function callOnce(url: string, token?: string): Promise<string> {
  try {
    return String((await initialize(url, token)).status);
  } catch (error) {
    return `${(error as Error).message}: ${((error as Error).cause as { code?: string })?.code ?? ''}`;
  }
}

/** Calls at a steady pace, a connection each; returns how often each answer came, once stopped. */
export function keepCalling(url: string): () => Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  const calls: Promise<void>[] = [];
  const timer = setInterval(
    () =>
      calls.push(
        callOnce(url).then((answer) => {
          answers[answer] = (answers[answer] ?? 0) + 1;
        }),
      ),
    PERIOD_MS,
  );
  return async () => {
    clearInterval(timer);
    await Promise.all(calls);
    return answers;
  };
}
