/** So many at a time; who has many waiting holds up nobody else: those who wait take turns. */
export interface Turns {
  /** Undefined: at once. */
  take(who: object): Promise<void> | undefined;
  /** After each that was taken. */
  release(): void;
}

export function createTurns(atOnce: number): Turns {
  let running = 0;
  /** In the order in which it is their turn. */
  const waiting = new Map<object, (() => void)[]>();
  return {
    take(who) {
      if (running < atOnce) {
        running++;
        return undefined;
      }
      return new Promise((resolve) => {
        const own = waiting.get(who);
        if (own) own.push(resolve);
        else waiting.set(who, [resolve]);
      });
    },
    release() {
      const [next] = waiting;
      if (!next) return void running--;
      const [who, own] = next;
      waiting.delete(who);
      const go = own.shift();
      if (own.length > 0) waiting.set(who, own);
      go?.();
    },
  };
}
