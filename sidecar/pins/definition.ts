/** What is pinned of a tool. Pure: the sidecar and `kubectl mcp pin` ask it. */
import { hash } from 'node:crypto';
import { fold } from '../json/shapes.ts';
import { canonicalJson } from './canonical.ts';

/** Beside the name: what a model reads of a tool, and what clients decide by. */
export const PINNED_FIELDS = ['title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const;
export type PinnedField = (typeof PINNED_FIELDS)[number];

/** A tool as it is pinned. */
export interface Pin {
  /** Of the canonical JSON of name and {@link PINNED_FIELDS}, absent ones left out. */
  readonly sha256: string;
  /** Of each field that is there, the beginning of the same: to tell what has changed, and under which name. */
  readonly fields: Readonly<Partial<Record<PinnedField, string>>>;
}

export interface Definition extends Pin {
  readonly name: string;
}

const FIELD_CHARS = 16;
/** Clients in Go take these for the fields, whichever comes last. */
const FOLDED = new Set(['name', ...PINNED_FIELDS].map(fold));

/** Undefined for what nobody can vouch for: no name, no canonical form, or a key that some clients take for another. */
export function definitionOf(tool: unknown): Definition | undefined {
  if (typeof tool !== 'object' || tool === null) return undefined;
  const given = tool as Record<string, unknown>;
  const { name } = given;
  if (typeof name !== 'string') return undefined;
  const own = new Set<string>(['name', ...PINNED_FIELDS]);
  if (Object.keys(given).some((key) => !own.has(key) && FOLDED.has(fold(key)))) return undefined;
  try {
    const texts = PINNED_FIELDS.filter((field) => given[field] !== undefined).map(
      (field) => [field, canonicalJson(given[field])] as const,
    );
    const members = [['name', canonicalJson(name)] as const, ...texts]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, text]) => `"${key}":${text}`);
    return {
      name,
      sha256: hash('sha256', `{${members.join(',')}}`, 'hex'),
      fields: Object.fromEntries(
        texts.map(([field, text]) => [field, hash('sha256', text, 'hex').slice(0, FIELD_CHARS)]),
      ),
    };
  } catch {
    return undefined;
  }
}

/** Fields that are not the same in both. */
export const changedFields = (one: Pin, other: Pin): PinnedField[] =>
  PINNED_FIELDS.filter((field) => one.fields[field] !== other.fields[field]);
