import type { Random } from './random.ts';

/** Something that is held to an oracle or a model. What it does depends on the input alone. */
export interface Target {
  readonly name: string;
  /** What is worth putting into an input. */
  readonly dictionary: readonly string[];
  /** Sources whose coverage guides the choice of inputs, relative to the root. */
  readonly covers: readonly string[];
  readonly maxBytes: number;
  /** Of the time of all, 1 when it does not say. */
  readonly share?: number;
  generate(random: Random): Buffer;
  /** @throws {Finding} when the invariant does not hold; anything else that is thrown is one too */
  run(input: Buffer): void | Promise<void>;
  /** The input in words, where its bytes are not. */
  describe?(input: Buffer): string;
  /** Before the first run, when there is something to start. Returns what stops it. */
  start?(): Promise<() => Promise<void>>;
}

export class Finding extends Error {
  /** Stays the same while an input is made smaller. */
  readonly kind: string;
  constructor(kind: string, details = '') {
    super(details === '' ? kind : `${kind}\n${details}`);
    this.name = 'Finding';
    this.kind = kind;
  }
}

/** @throws {Finding} */
export function hold(condition: unknown, kind: string, details?: () => string): asserts condition {
  if (!condition) throw new Finding(kind, details?.());
}

export function holdEqual(found: unknown, expected: unknown, kind: string): void {
  const [a, b] = [show(found), show(expected)];
  if (a !== b) throw new Finding(kind, `  found    ${a}\n  expected ${b}`);
}

const show = (value: unknown): string =>
  value === undefined
    ? 'undefined'
    : Buffer.isBuffer(value)
      ? JSON.stringify(value.toString('latin1'))
      : JSON.stringify(value);
