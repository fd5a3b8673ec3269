/** Time, and what is done later; a test moves it. */
export interface Clock {
  now(): number;
  /** @returns what takes it back */
  later(delayMs: number, what: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  later(delayMs, what) {
    const timer = setTimeout(what, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
