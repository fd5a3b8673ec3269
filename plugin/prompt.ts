import { createInterface } from 'node:readline/promises';
import type { Streams } from './streams.ts';

/** Asks on stderr; true for `y` or `yes` alone. Never asks without a terminal: then it is no. */
export async function confirm(streams: Streams, question: string): Promise<boolean> {
  if (!streams.in.isTTY || !streams.err.isTTY) return false;
  const lines = createInterface({ input: streams.in, output: streams.err });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} (y/n): `)).trim());
  } finally {
    lines.close();
  }
}
