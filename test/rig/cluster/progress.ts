/** What a person sees while the cluster comes up: a line per step with the seconds it took. */

const seconds = (sinceMs: number): string => `${((Date.now() - sinceMs) / 1000).toFixed(1)}s`;

export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now();
  process.stderr.write(`  ${title} …`);
  try {
    const result = await work();
    process.stderr.write(` ${seconds(started)}\n`);
    return result;
  } catch (error) {
    process.stderr.write(` failed after ${seconds(started)}\n`);
    throw error;
  }
}

/** Asks until the answer is true; null when the deadline passed. */
export async function poll(ask: () => Promise<boolean>, deadlineMs: number, everyMs = 200): Promise<boolean> {
  const end = Date.now() + deadlineMs;
  while (!(await ask())) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return true;
}
