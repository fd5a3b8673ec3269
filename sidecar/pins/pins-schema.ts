/** The pins of a server: what `kubectl mcp pin` writes and the sidecar follows. */
import * as z from 'zod';
import { faultLines } from '../fault-lines.ts';
import { PINNED_FIELDS, type Pin, type PinnedField } from './definition.ts';

/** The key of the ConfigMap. */
export const PINS_KEY = 'pins.json';

const fieldHash = z.string().regex(/^[0-9a-f]{16}$/, 'is 16 hexadecimal digits');

export const pinsSchema = z.strictObject({
  version: z.literal(1),
  /** The image of the server's container, as the pod names it. */
  image: z.string().min(1).max(1_024).optional(),
  /** What the registry had under it: `sha256:…`, as the node reports it. */
  digest: z.string().min(1).max(1_024).optional(),
  tools: z.record(
    z.string(),
    z.strictObject({
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is 64 hexadecimal digits'),
      fields: z.strictObject(
        Object.fromEntries(PINNED_FIELDS.map((field) => [field, fieldHash.optional()])) as Record<
          PinnedField,
          z.ZodOptional<typeof fieldHash>
        >,
      ),
    }),
  ),
});

export interface Pins {
  readonly image?: string | undefined;
  readonly digest?: string | undefined;
  readonly tools: ReadonlyMap<string, Pin>;
}

export function readPins(text: string): Pins | { readonly faults: string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { faults: [`is not JSON: ${(error as Error).message}`] };
  }
  const result = pinsSchema.safeParse(value);
  if (!result.success) return { faults: result.error.issues.flatMap((issue) => faultLines(value, issue)) };
  const { image, digest, tools } = result.data;
  // A tool may be called what members of every object are called.
  return { image, digest, tools: new Map(Object.entries(tools) as [string, Pin][]) };
}
