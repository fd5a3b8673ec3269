/** A tool of a list as callers see it; what is not overridden keeps its bytes. Pure. */
import { elements, members } from '../json/members.ts';
import { asBytes } from '../json/splice.ts';
import type { Span } from '../json/strict-reader.ts';
import { text } from '../client-message.ts';
import { definitionsIn } from './argument-shape.ts';
import type { Override } from './compile-overrides.ts';

/** Pieces of JSON by key, a character for each byte. */
type Pieces = Map<string, string>;

/**
 * @param at where the tool starts in `message`, which is JSON
 * @returns a character for each byte
 */
export function editTool(message: Buffer, at: number, override: Override): string {
  const pieces = piecesAt(message, at);
  for (const [key, piece] of override.members) pieces.set(key, piece);
  if (override.annotations.size > 0) {
    const span = members(message, at).get('annotations');
    const annotations = span ? piecesAt(message, span.start) : new Map<string, string>();
    for (const [key, piece] of override.annotations) annotations.set(key, piece);
    pieces.set('annotations', written(annotations));
  }
  const schema = members(message, at).get('inputSchema');
  if (override.args && schema)
    pieces.set('inputSchema', editSchema(message, schema.start, override.args.removed));
  return written(pieces);
}

/** What callers do not send is not there, nor what only that refers to; what they may send is all that there is. */
function editSchema(message: Buffer, at: number, removed: ReadonlySet<string>): string {
  const spans = members(message, at);
  const pieces = piecesAt(message, at);
  const properties = piecesOf(message, spans.get('properties'));
  for (const name of removed) properties.delete(name);
  if (spans.has('properties')) pieces.set('properties', written(properties));
  const required = spans.get('required');
  if (required && message[required.start] === 0x5b) {
    const kept = elements(message, required.start).filter((span) => !removed.has(text(message, span) ?? ''));
    if (kept.length > 0)
      pieces.set(
        'required',
        `[${kept.map(({ start, end }) => message.toString('latin1', start, end)).join()}]`,
      );
    // An empty one is none of the older drafts.
    else pieces.delete('required');
  }
  pieces.set('additionalProperties', 'false');
  const defined = {
    $defs: piecesOf(message, spans.get('$defs')),
    definitions: piecesOf(message, spans.get('definitions')),
  };
  const left = definitionsIn(parsed(written(properties)), (of, name) => {
    const piece = defined[of as keyof typeof defined].get(name);
    return piece === undefined ? undefined : parsed(piece);
  });
  for (const [of, all] of Object.entries(defined)) {
    if (!spans.has(of)) continue;
    for (const name of all.keys()) if (!left.has(`${of}/${name}`)) all.delete(name);
    if (all.size > 0) pieces.set(of, written(all));
    else pieces.delete(of);
  }
  return written(pieces);
}

const parsed = (piece: string): unknown => JSON.parse(Buffer.from(piece, 'latin1').toString('utf8'));

const piecesOf = (message: Buffer, span: Span | undefined): Pieces =>
  span ? piecesAt(message, span.start) : new Map<string, string>();

const piecesAt = (message: Buffer, at: number): Pieces =>
  new Map(
    [...members(message, at)].map(([key, { start, end }]) => [key, message.toString('latin1', start, end)]),
  );

const written = (pieces: Pieces): string =>
  `{${[...pieces].map(([key, piece]) => `${asBytes(JSON.stringify(key))}:${piece}`).join(',')}}`;
