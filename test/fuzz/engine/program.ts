/** Reads choices from bytes, so that programs can be mutated, kept and made smaller like any input. */
export interface Program {
  readonly ended: boolean;
  int(below: number): number;
  pick<T>(choices: readonly T[]): T;
}

export function programOf(bytes: Buffer): Program {
  let at = 0;
  const int = (below: number): number => (bytes[at++] ?? 0) % below;
  return {
    get ended() {
      return at >= bytes.length;
    },
    int,
    pick: (choices) => choices[int(choices.length)]!,
  };
}
