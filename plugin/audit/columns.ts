/** The columns of an audit record, as data. */
import { visible } from '../../sidecar/filter/hidden-characters.ts';
import type { AuditRecord, Entry } from './read-line.ts';

export interface AuditColumn {
  readonly header: string;
  readonly value: (record: AuditRecord) => unknown;
  readonly wide?: true;
}

const extra = ({ metadata }: AuditRecord, key: string): unknown => metadata?.extra?.[key];
const sourceExtra = ({ source }: AuditRecord, key: string): unknown => source?.extra?.[key];

export const AUDIT_COLUMNS: readonly AuditColumn[] = [
  { header: 'TIME', value: ({ time }) => time },
  { header: 'POD', value: ({ kubernetes }) => kubernetes?.['pod'] },
  { header: 'PRINCIPAL', value: ({ subjects }) => subjects?.['user'] },
  // Where no message was read, and for what is no request, the type says more.
  { header: 'METHOD', value: ({ target, type }) => target?.['method'] ?? type },
  { header: 'TARGET', value: ({ target }) => target?.['name'] },
  { header: 'OUTCOME', value: ({ outcome }) => outcome },
  { header: 'RULE', value: (record) => extra(record, 'rule') },
  { header: 'DURATION', value: (record) => durationOf(extra(record, 'duration_ms')) },
  { header: 'NAMESPACE', wide: true, value: ({ kubernetes }) => kubernetes?.['namespace'] },
  { header: 'SERVER', wide: true, value: ({ component }) => component },
  { header: 'CALLED', wide: true, value: (record) => extra(record, 'called') },
  {
    header: 'ACTORS',
    wide: true,
    value: ({ delegation }) => (Array.isArray(delegation?.chain) ? delegation.chain.join(',') : undefined),
  },
  { header: 'SOURCE', wide: true, value: ({ source }) => source?.value },
  { header: 'STATUS', wide: true, value: (record) => extra(record, 'http_status') },
  { header: 'CLIENT', wide: true, value: clientOf },
  { header: 'SESSION', wide: true, value: (record) => sourceExtra(record, 'session_id') },
  { header: 'REQUEST', wide: true, value: (record) => sourceExtra(record, 'request_id') },
  { header: 'POLICY', wide: true, value: (record) => extra(record, 'policy') },
  { header: 'ERROR', wide: true, value: (record) => extra(record, 'jsonrpc_error_message') },
];

function durationOf(ms: unknown): string | undefined {
  if (typeof ms !== 'number') return undefined;
  return ms < 1_000 ? `${Number(ms.toFixed(ms < 10 ? 1 : 0))}ms` : `${Number((ms / 1_000).toFixed(2))}s`;
}

function clientOf({ subjects }: AuditRecord): string | undefined {
  const { client_name: name, client_version: version } = subjects ?? {};
  return typeof name === 'string'
    ? [name, version].filter((each) => each !== undefined).join('/')
    : undefined;
}

/** Empty for what is not there. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

const PRINTABLE = /^[ -~]*$/;
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/gu;

/** Clients choose some of it: on one line, and nothing that drives a terminal or turns the text. */
export function harmless(text: string): string {
  if (PRINTABLE.test(text)) return text;
  return visible(text).replace(
    CONTROLS,
    (each) => `<U+${each.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`,
  );
}

// JSON escapes what is below U+0020 alone.
const UNESCAPED = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** The same value: what a terminal could take for a command is escaped. */
export const harmlessJson = (json: string): string =>
  json.replace(UNESCAPED, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);

export const cellsOf = (columns: readonly AuditColumn[], { record }: Entry): string[] =>
  columns.map(({ value }) => harmless(textOf(value(record))));
