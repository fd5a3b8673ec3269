/** The ConfigMap of pins: what the proxy goes by, and the definitions that were approved, for who compares. Pure. */
import type { V1ConfigMap } from '@kubernetes/client-node';
import { type Definition, definitionOf, PINNED_FIELDS } from '../../sidecar/pins/definition.ts';
import { PINS_KEY, type Pins, readPins } from '../../sidecar/pins/pins-schema.ts';
import { ownedMetadata } from '../enable/owned.ts';
import type { FoundServer } from './read-server.ts';

/** Not mounted: for people, and for the words of a difference. */
export const TOOLS_KEY = 'tools.json';
/** A ConfigMap holds a mebibyte in all. */
const MAX_TOOLS_CHARS = 512 * 1024;

export interface StoredPins {
  readonly pins: Pins;
  /** Of the tools whose stored definition is the one that is pinned. */
  readonly tools: ReadonlyMap<string, Record<string, unknown>>;
}

export function configMapOf(
  { image, digest, tools, definitions }: Pick<FoundServer, 'image' | 'digest' | 'tools' | 'definitions'>,
  { name, namespace, instance }: { name: string; namespace: string; instance: string },
): V1ConfigMap {
  const sorted = [...definitions].flatMap(([, each]) => (each ? [each] : [])).toSorted(byName);
  const pins = {
    version: 1,
    ...(image !== undefined && { image }),
    ...(digest !== undefined && { digest }),
    tools: Object.fromEntries(sorted.map(({ name: tool, sha256, fields }) => [tool, { sha256, fields }])),
  };
  const named = tools.filter((tool): tool is { name: string } =>
    definitions.has((tool as { name: string }).name),
  );
  const texts = JSON.stringify(named.toSorted(byName).map(pinnedPart), null, 2);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(name, namespace, instance),
    data: {
      [PINS_KEY]: `${JSON.stringify(pins, null, 2)}\n`,
      ...(texts.length <= MAX_TOOLS_CHARS && { [TOOLS_KEY]: `${texts}\n` }),
    },
  };
}

const byName = (one: { name: string }, other: { name: string }): number => (one.name < other.name ? -1 : 1);

const pinnedPart = (tool: object): object => {
  const given = tool as Record<string, unknown>;
  return Object.fromEntries(
    ['name', ...PINNED_FIELDS].flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])),
  );
};

/** Of a ConfigMap that is there. Definitions that are not those that are pinned are left out: pins alone decide. */
export function storedIn({ data = {} }: V1ConfigMap): StoredPins | { readonly faults: readonly string[] } {
  const text = data[PINS_KEY];
  if (text === undefined) return { faults: [`it has no key ${PINS_KEY}`] };
  const pins = readPins(text);
  if ('faults' in pins) return { faults: pins.faults.map((fault) => `${PINS_KEY}: ${fault}`) };
  const tools = listIn(data[TOOLS_KEY]).flatMap((tool) => {
    const definition: Definition | undefined = definitionOf(tool);
    const isPinned = definition && pins.tools.get(definition.name)?.sha256 === definition.sha256;
    return isPinned ? [[definition.name, tool as Record<string, unknown>] as const] : [];
  });
  return { pins, tools: new Map(tools) };
}

function listIn(text: string | undefined): unknown[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
