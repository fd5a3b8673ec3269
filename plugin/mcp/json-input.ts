import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { CliError } from '../errors.ts';
import type { Streams } from '../streams.ts';

/** The value of `--json`: the text itself, `@FILE`, or `-` for stdin. Must be an object. */
export async function readJsonArguments(value: string, streams: Streams): Promise<Record<string, unknown>> {
  const source = value === '-' ? 'stdin' : value.startsWith('@') ? value.slice(1) : 'the value';
  const content = value === '-' ? await text(streams.in) : await contentOf(value);
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch (error) {
    throw new CliError(`--json: ${source} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw new CliError(`--json: ${source} must be a JSON object, as {"name": "value"}`);
}

async function contentOf(value: string): Promise<string> {
  if (!value.startsWith('@')) return value;
  try {
    return await readFile(value.slice(1), 'utf8');
  } catch (error) {
    throw new CliError(`--json: cannot read ${value.slice(1)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
