/** Whether the EndpointSlices of a Service have followed its ports. Pure. */
import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node';
import type { Change } from './change.ts';
import { reachedPort } from './services.ts';
import { type DeclaredPort, objectName } from './workload.ts';

/** A Service that stays, with ports that lead elsewhere. */
export const isRepointing = ({ before, after }: Change): boolean =>
  before?.kind === 'Service' && after?.kind === 'Service';

/** What is waited for; undefined when no slice leads to a port that the change took away. */
export function endpointsBehind(
  { before, after }: Change,
  slices: readonly V1EndpointSlice[],
  declared: readonly DeclaredPort[],
): string | undefined {
  const next = new Map(((after as V1Service).spec?.ports ?? []).map((each) => [each.port, each]));
  for (const port of (before as V1Service).spec?.ports ?? []) {
    const old = reachedPort(port, declared);
    const now = next.get(port.port);
    if (old === undefined || !now || reachedPort(now, declared) === old) continue;
    const left = slices.some(
      (slice) =>
        (slice.endpoints ?? []).length > 0 &&
        slice.ports?.some((each) => (each.name ?? '') === (port.name ?? '') && each.port === old),
    );
    if (left) return `Waiting for the EndpointSlices of ${objectName(before!)} to leave port ${old}...`;
  }
  return undefined;
}
