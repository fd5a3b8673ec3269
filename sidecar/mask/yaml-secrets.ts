/**
 * Masks the values of Secrets in YAML as kubectl and servers write it, line by line, so that the rest stays byte for
 * byte. What is written in one line (`{kind: Secret, …}`) is for the caller to refuse.
 */
import { isSecretKind, isSecretType } from './secret-kinds.ts';
import { MASK } from './shapes.ts';

interface Mapping {
  readonly column: number;
  kind?: string;
  type?: string;
  /** Lines that begin `data` or `stringData`. */
  readonly values: { readonly line: number; readonly column: number }[];
  /** Of objects in it that do not say their kind. */
  readonly inside: { readonly line: number; readonly column: number }[];
}

const DASHES = /^(?:-[ \t]+)+/;
const KEY = /^(["']?)([A-Za-z][\w./-]*)\1[ \t]*:(?:[ \t]+(.*)|)$/;
/** Of Secrets: any name, and what a user may have put there. */
const VALUE =
  /^([ \t]*)("(?:[^"\\]|\\.)*"[ \t]{0,8}|'[^']*'[ \t]{0,8}|[^\s:"'#-][^:]*|-[^\s:][^:]*):(?:[ \t]|$)/;
const VALUES = new Set(['data', 'stringData', 'binaryData']);
const QUOTED = `'${MASK}'`;

/** @param asked the call was about Secrets: an object that does not say its kind is one */
export function maskYamlSecrets(text: string, asked: boolean): string {
  const lines = text.split('\n');
  const masked = new Set<Mapping['values'][number]>();
  const open: Mapping[] = [];

  function close(): void {
    const mapping = open.pop()!;
    const { kind, type, values, inside } = mapping;
    const isList = kind !== undefined && isSecretKind(kind) && kind !== 'Secret';
    if (isList) for (const each of inside) masked.add(each);
    if (kind === undefined ? asked || isSecretType(type) : isSecretKind(kind))
      for (const each of values) masked.add(each);
    else if (kind === undefined) open.at(-1)?.inside.push(...values);
  }

  for (const [line, raw] of lines.entries()) {
    const content = raw.trimStart().trimEnd();
    if (content === '' || content.startsWith('#')) continue;
    const column = raw.length - raw.trimStart().length;
    if (column === 0 && /^(---|\.\.\.)/.test(content)) {
      while (open.length > 0) close();
      continue;
    }
    const dashes = DASHES.exec(content)?.[0].length ?? 0;
    const at = column + dashes;
    const [, , key, value = ''] = KEY.exec(content.slice(dashes)) ?? [];
    while (open.length > 0 && open.at(-1)!.column > column) close();
    // Behind a dash another object begins.
    if (key === undefined) continue;
    if (open.at(-1)?.column !== at) open.push({ column: at, values: [], inside: [] });
    const mapping = open.at(-1)!;
    if (VALUES.has(key)) mapping.values.push({ line, column: at });
    else if (key === 'kind') mapping.kind ??= plain(value);
    else if (key === 'type') mapping.type ??= plain(value);
  }
  while (open.length > 0) close();
  if (masked.size === 0) return text;
  const gone = new Set<number>();
  for (const { line, column } of masked) maskBlock(lines, line, column, gone);
  return lines.filter((_, line) => !gone.has(line)).join('\n');
}

/** Those of a kubeconfig. */
export const USER_KEYS: ReadonlySet<string> = new Set([
  'token',
  'password',
  'id-token',
  'refresh-token',
  'access-token',
  'client-secret',
  'client-key-data',
]);
const USERS = /^[ \t-]*["']?users["']?[ \t]*:/m;

/** Credentials of a kubeconfig in YAML; the value may be on the lines behind. */
export function maskYamlUsers(text: string): string {
  const keys = USERS.test(text) ? USER_KEYS : new Set(['client-key-data']);
  const lines = text.split('\n');
  const gone = new Set<number>();
  for (const [line, raw] of lines.entries()) {
    const content = raw.trim();
    const dashes = DASHES.exec(content)?.[0].length ?? 0;
    const key = KEY.exec(content.slice(dashes))?.[2];
    if (key === undefined || !keys.has(key) || gone.has(line)) continue;
    const column = indentOf(raw) + dashes;
    let end = line + 1;
    while (end < lines.length && (lines[end]!.trim() === '' || indentOf(lines[end]!) > column))
      gone.add(end++);
    if (end > line + 1 || !content.endsWith(':'))
      lines[line] = `${raw.slice(0, raw.indexOf(':', column) + 1)} ${QUOTED}`;
  }
  return gone.size === 0 ? lines.join('\n') : lines.filter((_, line) => !gone.has(line)).join('\n');
}

/** Without quotes, tag, comment. */
const plain = (value: string): string =>
  value
    .replace(/^[!&][^\s]*[ \t]+/, '')
    .replace(/[ \t]#.*$/, '')
    .trimEnd()
    .replace(/^(["'])(.*)\1$/, '$2');

function maskBlock(lines: string[], line: number, column: number, gone: Set<number>): void {
  let end = line + 1;
  while (end < lines.length && (lines[end]!.trim() === '' || indentOf(lines[end]!) > column)) end++;
  while (end > line + 1 && lines[end - 1]!.trim() === '') end--;
  const head = lines[line]!;
  const inline = plain(head.slice(head.indexOf(':', column) + 1).trim());
  const first = lines[line + 1];
  const child = first === undefined || end === line + 1 ? undefined : indentOf(first);
  const isBlock = (inline === '' || inline.startsWith('#')) && child !== undefined && VALUE.test(first!);
  if (!isBlock) {
    if ((inline === '' || inline === '{}' || inline === 'null') && child === undefined) return;
    lines[line] = `${head.slice(0, head.indexOf(':', column) + 1)} ${QUOTED}`;
  }
  for (let at = line + 1; at < end; at++) {
    const key = isBlock && indentOf(lines[at]!) === child ? VALUE.exec(lines[at]!) : undefined;
    if (key) lines[at] = `${key[1]}${key[2]!.trimEnd()}: ${QUOTED}`;
    else gone.add(at);
  }
}

const indentOf = (line: string): number => line.length - line.trimStart().length;
