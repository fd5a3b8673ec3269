/** How long reviews take, as Prometheus counts it. The steps are finer than those of the API server: 5 ms, 25 ms. */

const BUCKETS_S = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.1, 0.5, 1, 5] as const;

export function createDurations() {
  const buckets: number[] = BUCKETS_S.map(() => 0);
  let sumS = 0;
  let count = 0;
  return {
    observe: (seconds: number): void => {
      count++;
      sumS += seconds;
      const bucket = BUCKETS_S.findIndex((bound) => seconds <= bound);
      if (bucket >= 0) buckets[bucket]!++;
    },
    /** The samples of a histogram, without its head. */
    lines: (name: string): string[] => {
      let total = 0;
      return [
        ...BUCKETS_S.map((bound, index) => `${name}_bucket{le="${bound}"} ${(total += buckets[index]!)}`),
        `${name}_bucket{le="+Inf"} ${count}`,
        `${name}_sum ${sumS}`,
        `${name}_count ${count}`,
      ];
    },
  };
}
