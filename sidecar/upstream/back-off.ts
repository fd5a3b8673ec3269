const FIRST_MS = 200;
const MAX_MS = 10_000;

/** How long to wait before a stream is opened again: twice as long each time, until it was of use. */
export interface BackOff {
  nextMs(): number;
  reset(): void;
}

export function createBackOff(): BackOff {
  let waitMs = FIRST_MS;
  return {
    nextMs() {
      const now = waitMs;
      waitMs = Math.min(waitMs * 2, MAX_MS);
      return now;
    },
    reset: () => void (waitMs = FIRST_MS),
  };
}
