/** A server held against its pins, in words. Pure. */
import { visible } from '../../sidecar/filter/hidden-characters.ts';
import { type Drift, driftOf } from '../../sidecar/pins/compare.ts';
import type { PinnedField } from '../../sidecar/pins/definition.ts';
import type { StoredPins } from './config-map.ts';
import type { FoundServer } from './read-server.ts';

export interface Difference {
  /** Undefined: one of the two is not known. */
  readonly sameImage?: boolean;
  readonly image: { readonly pinned?: string; readonly found?: string };
  readonly drift: readonly (Drift & { readonly details: readonly string[] })[];
}

export function differenceOf(found: FoundServer, { pins, tools }: StoredPins): Difference {
  const now = new Map(found.tools.map((tool) => [(tool as { name?: unknown }).name, tool]));
  const same = sameImage(pins, found);
  return {
    ...(same === undefined ? {} : { sameImage: same }),
    image: {
      ...(pins.image === undefined ? {} : { pinned: named(pins) }),
      ...(found.image === undefined ? {} : { found: named(found) }),
    },
    drift: driftOf(found.definitions, pins).map((drift) => ({
      ...drift,
      details: detailsOf(drift, tools.get(drift.tool), now.get(drift.tool) as Record<string, unknown>),
    })),
  };
}

type Image = { readonly image?: string | undefined; readonly digest?: string | undefined };

/** The node knows the digest, which tells more than a tag that was moved. */
export function sameImage(pinned: Image, found: Image): boolean | undefined {
  if (pinned.digest !== undefined && found.digest !== undefined) return pinned.digest === found.digest;
  if (pinned.image === undefined || found.image === undefined) return undefined;
  return pinned.image === found.image;
}

const named = ({ image, digest }: Image): string =>
  digest === undefined || image?.includes('@') ? (image ?? '') : `${image} (${digest})`;

const MARKS = { added: '+', removed: '-', changed: '~', renamed: '>' } as const;

/** The lines that `kubectl mcp pin` prints; none where nothing differs. */
export function differenceLines(title: string, { drift, sameImage: same, image }: Difference): string[] {
  if (drift.length === 0) return [];
  const count = `${drift.length} ${drift.length === 1 ? 'tool differs' : 'tools differ'}`;
  const why =
    same === undefined
      ? ''
      : same
        ? `, under the same image ${image.found}`
        : `: pinned of image ${image.pinned}, and ${image.found} runs`;
  return [
    `${title}: ${count} from the pins${why}`,
    ...drift.flatMap((each) => [
      `${MARKS[each.what]} ${wordsOf(each)}`,
      ...each.details.map((line) => `    ${line}`),
    ]),
  ];
}

function wordsOf({ tool, what, from, fields = [] }: Drift): string {
  const name = visible(tool);
  if (what === 'renamed') return `${name}: renamed from ${visible(from!)}, the same otherwise`;
  if (what !== 'changed') return `${name}: ${what}`;
  return `${name}: ${fields.length > 0 ? `${fields.join(', ')} changed` : 'defined so that clients may read it otherwise'}`;
}

const MAX_LINES = 12;
const MAX_TEXT_CHARS = 300;
type Tool = Readonly<Record<string, unknown>> | undefined;

function detailsOf({ what, fields = [], pinned, found }: Drift, before: Tool, after: Tool): string[] {
  if (what === 'added') return textLines('description', undefined, after?.['description']);
  if (what !== 'changed') return [];
  const lines =
    before && after ? fields.flatMap((field) => fieldLines(field, before[field], after[field])) : [];
  const shown =
    lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more`] : lines;
  return [...shown, `sha256 ${pinned?.slice(0, 12)} -> ${found?.slice(0, 12) ?? 'none'}`];
}

function fieldLines(field: PinnedField, before: unknown, after: unknown): string[] {
  if (field === 'title' || field === 'description') return textLines(field, before, after);
  const [old, now] = [leaves(before, field), leaves(after, field)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => old.get(path) !== now.get(path))
    .flatMap((path) => [
      ...(old.has(path) ? [`- ${visible(path)}: ${shown(old.get(path)!)}`] : []),
      ...(now.has(path) ? [`+ ${visible(path)}: ${shown(now.get(path)!)}`] : []),
    ]);
}

const textLines = (field: string, before: unknown, after: unknown): string[] => [
  ...(before === undefined ? [] : [`- ${field}: ${shown(JSON.stringify(before))}`]),
  ...(after === undefined ? [] : [`+ ${field}: ${shown(JSON.stringify(after))}`]),
];

/** By path, as JSON; what holds nothing is a leaf too. */
function leaves(value: unknown, path: string): Map<string, string> {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (inner.length === 0) return new Map(value === undefined ? [] : [[path, JSON.stringify(value)]]);
  return new Map(inner.flatMap(([key, each]) => [...leaves(each, `${path}.${key}`)]));
}

const shown = (text: string): string => {
  const seen = visible(text);
  return seen.length > MAX_TEXT_CHARS ? `${seen.slice(0, MAX_TEXT_CHARS)}…` : seen;
};
