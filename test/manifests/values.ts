/** The table of the chart's values: `node test/manifests/values.ts` prints it for docs/install.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Value, default, description: of each that the schema describes. */
export function rowsOf({ properties = {} }: Schema, values: object, path = ''): string[][] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const value = (values as Record<string, unknown>)[key];
    if (schema.description)
      return [[`\`${path}${key}\``, `\`${JSON.stringify(value)}\``, schema.description]];
    return value === undefined ? [] : rowsOf(schema, value as object, `${path}${key}.`);
  });
}

if (import.meta.main) {
  const chart = join(import.meta.dirname, '..', '..', 'manifests', 'helm', 'kubectl-mcp');
  const read = (name: string): string => readFileSync(join(chart, name), 'utf8');
  const rows = rowsOf(JSON.parse(read('values.schema.json')), parse(read('values.yaml')));
  console.log('| Value | Default | What it does |\n| --- | --- | --- |');
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}
