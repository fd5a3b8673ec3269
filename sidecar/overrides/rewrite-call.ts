/** A call as the server is sent it: what is not overridden keeps its bytes. Pure. */
import { PARAM_HEADER_PREFIX, type ClientMessage } from '../client-message.ts';
import type { RequestHead } from '../exchange.ts';
import { members, space } from '../json/members.ts';
import { membersWithout, ofBytes } from '../json/splice.ts';
import type { Span } from '../json/strict-reader.ts';
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

/** Nothing is read anew: what is put in is JSON with one reading, and the rest has been read. */
export function rewriteCall(message: ClientMessage, name: string, args?: SentArguments): ClientMessage {
  const { raw, document } = message;
  const named = document.params.get('name')!;
  const given = document.params.get('arguments');
  const nameBytes = Buffer.from(JSON.stringify(name));
  const cuts: Cut[] = [{ ...named, by: nameBytes }];
  let added = 0;
  if (args && given && isNull(raw, given.start))
    cuts.push({ ...given, by: ofBytes(`{${args.pieces.join(',')}}`) });
  else if (args && given && args.without.length > 0) {
    const kept = membersWithout(raw, members(raw, given.start), args.without);
    cuts.push({ ...given, by: ofBytes(`{${[...args.pieces, ...kept].join(',')}}`) });
  } else if (args && args.pieces.length > 0) {
    const pieces = args.pieces.join(',');
    if (given) {
      const at = given.start + 1;
      cuts.push({ start: at, end: at, by: ofBytes(raw[space(raw, at)] === 0x7d ? pieces : `${pieces},`) });
    } else {
      const by = ofBytes(`${ARGUMENTS}{${pieces}}`);
      added = by.length;
      cuts[0] = { ...named, by: Buffer.concat([nameBytes, by]) };
    }
  }
  cuts.sort((one, other) => one.start - other.start);
  const params = moved(document.params, cuts);
  const { start, end } = params.get('name')!;
  if (added > 0) {
    params.set('name', { start, end: end - added });
    params.set('arguments', { start: end - added + ARGUMENTS.length, end });
  }
  return {
    ...message,
    raw: spliced(raw, cuts),
    target: name,
    document: { top: moved(document.top, cuts), params, meta: moved(document.meta, cuts) },
  };
}

interface Cut extends Span {
  readonly by: Buffer;
}
const ARGUMENTS = ',"arguments":';

function spliced(raw: Buffer, cuts: readonly Cut[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, by } of cuts) {
    parts.push(raw.subarray(at, start), by);
    at = end;
  }
  return Buffer.concat([...parts, raw.subarray(at)]);
}

/** Where the values are when the cuts have been made: none begins within one. */
function moved(spans: ReadonlyMap<string, Span>, cuts: readonly Cut[]): Map<string, Span> {
  const found = new Map<string, Span>();
  const place = (at: number): number => {
    let to = at;
    for (const { start, end, by } of cuts) if (end <= at) to += by.length - (end - start);
    return to;
  };
  for (const [key, { start, end }] of spans) found.set(key, { start: place(start), end: place(end) });
  return found;
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
