import type { Gauge } from '../metrics.ts';
import type { Drift } from './compare.ts';
import type { PinsStatus } from './pins.ts';

/** Part of `/health`. */
export interface PinsReport {
  /** Of the file in force; absent while there has been none. */
  readonly revision?: string;
  /** Whether the image runs that was pinned; absent where that is not known. */
  readonly same_image?: boolean;
  /** Tools that are not as they are pinned. */
  readonly drift: readonly Drift[];
}

export function pinsReport({ revision, sameImage, drift }: PinsStatus): PinsReport {
  const [inForce, same] = [revision(), sameImage()];
  return {
    ...(inForce === undefined ? {} : { revision: inForce }),
    ...(same === undefined ? {} : { same_image: same }),
    drift: drift(),
  };
}

/** None where nothing is pinned. */
export function pinsGauges(
  servers: readonly { readonly name: string; readonly pins?: PinsStatus }[],
): Gauge[] {
  const pinned = servers.flatMap(({ name, pins }) => (pins ? [{ server: name, pins }] : []));
  if (pinned.length === 0) return [];
  return [
    {
      name: 'kubectl_mcp_pins_valid',
      help: 'Whether the pins as they are now are in force.',
      values: pinned.map(({ server, pins }) => ({
        labels: { server },
        value: Number(pins.problem() === undefined),
      })),
    },
    {
      name: 'kubectl_mcp_pins_drift',
      help: 'Tools that are not as they are pinned, by what differs.',
      values: pinned.flatMap(({ server, pins }) => {
        const drift = pins.drift();
        const image = pins.sameImage() === false ? 'other' : 'same';
        return (['added', 'removed', 'changed', 'renamed'] as const).map((what) => ({
          labels: { server, what, image },
          value: drift.filter((each) => each.what === what).length,
        }));
      }),
    },
  ];
}
