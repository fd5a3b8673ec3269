import { SUBSCRIPTION_KEY } from './client-message.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { InFlight, InFlightEntry } from './downstream/in-flight.ts';

export interface Drain {
  /** Resolves when the pod may stop: endpoints withdrawn, streams ended, calls answered; or the time is up. */
  drain(): Promise<{ readonly callsLeft: number }>;
}

/**
 * The kubelet asks for this before it stops the server, through the preStop hook of the server's container: a native
 * sidecar is stopped after the server, so draining on SIGTERM would come too late for the calls that are under way.
 */
export function createDrain(
  inFlight: InFlight,
  {
    endpointGraceMs,
    timeoutMs,
    closeIdleConnections,
  }: { endpointGraceMs: number; timeoutMs: number; closeIdleConnections: () => void },
): Drain {
  let running: Promise<{ callsLeft: number }> | undefined;

  async function run(): Promise<{ callsLeft: number }> {
    inFlight.startDraining();
    const deadline = delay(timeoutMs, undefined, { ref: false });
    // New connections still come until every node has seen that the endpoint is gone.
    await Promise.race([delay(endpointGraceMs, undefined, { ref: false }), deadline]);
    for (const entry of inFlight.streams()) endStream(inFlight, entry, 'whole');
    await Promise.race([inFlight.idle(), deadline]);
    closeIdleConnections();
    return { callsLeft: inFlight.calls() };
  }

  return { drain: () => (running ??= run()) };
}

/** A listen stream ends with its result, so that its client knows to listen again (2026-07-28, subscriptions). */
export function endStream(
  { eventStreams }: InFlight,
  { exchange: { message }, response }: InFlightEntry,
  when: 'whole' | 'now',
): void {
  const id = message?.id;
  const meta = `{"${SUBSCRIPTION_KEY}":${id}}`;
  const result = `data: {"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":${meta}}}\n\n`;
  eventStreams.finish(response, id === undefined ? '' : result, when);
}
