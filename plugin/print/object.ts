/** The formats of `-o`, as kubectl words and writes them. */
import { CliError } from '../errors.ts';
import type { Streams } from '../streams.ts';

/** @throws {CliError} in kubectl's words when `format` is none of `allowed`. */
export function checkFormat<Format extends string>(
  format: string | undefined,
  allowed: readonly Format[],
): Format | undefined {
  if (format === undefined || format === '') return undefined;
  if ((allowed as readonly string[]).includes(format)) return format as Format;
  throw new CliError(
    `unable to match a printer suitable for the output format "${format}", allowed formats are: ${allowed.toSorted().join(',')}`,
  );
}

export const formatJson = (value: unknown): string => `${JSON.stringify(plain(value), null, 4)}\n`;

/** Keys sorted and sequences not indented, as kubectl's; several objects become several documents. */
export async function formatYaml(...values: readonly unknown[]): Promise<string> {
  // The bundle knows this package, which is CommonJS, by its default export alone.
  const { default: yaml } = await import('yaml');
  return values
    .map((value) =>
      yaml.stringify(plain(value), {
        // What Go reads: there "on" and dates need quotes.
        version: '1.1',
        indentSeq: false,
        lineWidth: 0,
        sortMapEntries: true,
        aliasDuplicateObjects: false,
      }),
    )
    .join('---\n');
}

/** Several objects are a `List` in JSON and documents in YAML. */
export async function printObjects(
  streams: Streams,
  format: 'json' | 'yaml',
  objects: readonly unknown[],
): Promise<void> {
  const single = objects.length === 1 ? objects[0] : { apiVersion: 'v1', kind: 'List', items: objects };
  streams.out.write(format === 'json' ? formatJson(single) : await formatYaml(...objects));
}

/** Dates as the API writes them, to the second; text that looks like one stays as it is. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, function (this: Record<string, unknown>, key: string, each: unknown) {
      return this[key] instanceof Date ? String(each).replace('.000Z', 'Z') : each;
    }),
  );
