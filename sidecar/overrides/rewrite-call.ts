/** A call as the server is sent it: what is not overridden keeps its bytes. Pure. */
import { PARAM_HEADER_PREFIX, type ClientMessage } from '../client-message.ts';
import type { RequestHead } from '../exchange.ts';
import { members, space } from '../json/members.ts';
import { asBytes, membersWithout, ofBytes } from '../json/splice.ts';
import { mirroredHeader } from '../mirrored-value.ts';
import { argumentAt, type MirroredParam } from '../upstream/mirrored-params.ts';
import type { OverriddenArguments } from './compile-overrides.ts';

export interface SentArguments {
  /** Members of `arguments` that are put there. */
  readonly pieces: readonly string[];
  /** Keys that are left out. */
  readonly without: readonly string[];
}

/** Keys of the arguments of a call that its tool, as it is shown, does not have; undefined where they are no object. */
export function unknownArguments(
  { raw, document }: ClientMessage,
  shown: (name: string) => boolean,
): string[] | undefined {
  const span = document.params.get('arguments');
  if (!span || isNull(raw, span.start)) return [];
  if (raw[span.start] !== 0x7b) return undefined;
  return [...members(raw, span.start).keys()].filter((name) => !shown(name));
}

export function rewriteCall({ raw, document }: ClientMessage, name: string, args?: SentArguments): Buffer {
  const { params } = document;
  const named = params.get('name')!;
  const given = params.get('arguments');
  const cuts = [{ ...named, by: asBytes(JSON.stringify(name)) }];
  if (args && given && isNull(raw, given.start)) cuts.push({ ...given, by: `{${args.pieces.join(',')}}` });
  else if (args && given && args.without.length > 0) {
    const kept = membersWithout(raw, members(raw, given.start), args.without);
    cuts.push({ ...given, by: `{${[...args.pieces, ...kept].join(',')}}` });
  } else if (args && args.pieces.length > 0) {
    const pieces = args.pieces.join(',');
    if (given) {
      const at = given.start + 1;
      cuts.push({ start: at, end: at, by: raw[space(raw, at)] === 0x7d ? pieces : `${pieces},` });
    } else cuts.push({ start: named.end, end: named.end, by: `,"arguments":{${pieces}}` });
  }
  let at = 0;
  const parts: Buffer[] = [];
  for (const { start, end, by } of cuts.toSorted((one, other) => one.start - other.start)) {
    parts.push(raw.subarray(at, start), ofBytes(by));
    at = end;
  }
  return Buffer.concat([...parts, raw.subarray(at)]);
}

/** The headers that repeat the call say what the server is sent, and nothing of what callers do not see. */
export function rewriteHeaders(
  { headers }: RequestHead,
  name: string,
  args?: { of: OverriddenArguments; mirrored: readonly MirroredParam[] },
): void {
  if (headers['mcp-name'] !== undefined) headers['mcp-name'] = mirroredHeader(name);
  if (!args) return;
  const { of, mirrored } = args;
  const shown = new Set(
    mirrored.flatMap(({ header, path }) => (of.removed.has(path[0] ?? '') ? [] : [header])),
  );
  for (const header of Object.keys(headers))
    if (header.startsWith(PARAM_HEADER_PREFIX) && !shown.has(header)) delete headers[header];
  for (const { header, path } of mirrored) {
    const value = argumentAt(of.fixed, path);
    if (value !== undefined && value !== null) headers[header] = mirroredHeader(String(value));
  }
}

const isNull = (raw: Buffer, at: number): boolean => raw[at] === 0x6e;
