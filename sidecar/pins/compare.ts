/** Tools held against their pins. Pure: the sidecar blocks by it, `kubectl mcp pin` and `doctor` report by it. */
import { changedFields, type Definition, type Pin, type PinnedField } from './definition.ts';
import type { Pins } from './pins-schema.ts';

/**
 * `changed`, `new`: under the image that was pinned, which says the same code. `not-approved`: either, under another
 * image, which may well have other tools.
 */
export type PinsRule = 'pins/changed' | 'pins/new' | 'pins/not-approved';

/** Undefined: as it is pinned. @param definition undefined: nobody can vouch for what the server says of the tool */
export function judgePinned(
  name: string,
  definition: Pin | undefined,
  pins: Pins,
  image: string | undefined,
): PinsRule | undefined {
  const pin = pins.tools.get(name);
  if (pin && definition?.sha256 === pin.sha256) return undefined;
  if (isOtherImage(pins, image)) return 'pins/not-approved';
  return pin ? 'pins/changed' : 'pins/new';
}

/** Where one of them is not known, nothing speaks for another. */
export const isOtherImage = (pins: Pins, image: string | undefined): boolean =>
  pins.image !== undefined && image !== undefined && pins.image !== image;

export interface Drift {
  readonly tool: string;
  readonly what: 'added' | 'removed' | 'changed' | 'renamed';
  /** Of a renamed tool: the name that was pinned. */
  readonly from?: string;
  /** Of a changed one; empty when it cannot be read in one way. */
  readonly fields?: readonly PinnedField[];
  readonly pinned?: string;
  readonly found?: string;
}

/** @param tools by name; undefined where nobody can vouch for one */
export function driftOf(
  tools: ReadonlyMap<string, Definition | undefined>,
  { tools: pinned }: Pins,
): readonly Drift[] {
  const removed = [...pinned].filter(([name]) => !tools.has(name));
  const drifts: Drift[] = [];
  for (const [name, found] of tools) {
    const pin = pinned.get(name);
    if (pin && pin.sha256 === found?.sha256) continue;
    if (pin) {
      const hashes = { pinned: pin.sha256, ...(found && { found: found.sha256 }) };
      drifts.push({ tool: name, what: 'changed', fields: found ? changedFields(pin, found) : [], ...hashes });
      continue;
    }
    const at = found ? removed.findIndex(([, gone]) => changedFields(gone, found).length === 0) : -1;
    const [from] = at < 0 ? [] : removed.splice(at, 1);
    drifts.push({
      tool: name,
      ...(from ? { what: 'renamed', from: from[0], pinned: from[1].sha256 } : { what: 'added' }),
      ...(found && { found: found.sha256 }),
    });
  }
  return [
    ...drifts,
    ...removed.map(([name, { sha256 }]) => ({ tool: name, what: 'removed', pinned: sha256 }) as const),
  ].toSorted((one, other) => (one.tool < other.tool ? -1 : 1));
}
