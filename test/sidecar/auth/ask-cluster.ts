/** One cluster for the tests of a file, and what asks it. */
import { after, afterEach, mock } from 'node:test';
import type { Authenticator } from '../../../sidecar/auth/authenticator.ts';
import { createClusterIssuer } from '../../../sidecar/auth/cluster-issuer.ts';
import { createKubernetesTokens } from '../../../sidecar/auth/kubernetes-tokens.ts';
import type { Principal } from '../../../sidecar/principal.ts';
import { REASONS, refusalBody, type Refusal } from '../../../sidecar/reasons.ts';
import { waitFor } from '../wire/wait-for.ts';
import { AUDIENCE, createSigningKey, startFakeCluster } from './fake-cluster.ts';

/** What the cluster signs with, and what it does not. */
export const [key, other] = await Promise.all([createSigningKey('k1'), createSigningKey('k2')]);
export const cluster = await startFakeCluster([key]);
export const authenticators: Authenticator[] = [];

after(() => cluster.stop());
afterEach(() => {
  mock.timers.reset();
  for (const each of authenticators.splice(0)) each.close();
  Object.assign(cluster, { keys: [key.jwk], status: undefined });
});

/** @param ready waits for the keys */
export async function start(
  allowPrincipals = ['ns/*'],
  ready = true,
  directory = cluster.directory,
): Promise<Authenticator> {
  const source = createClusterIssuer(cluster.apiServer, directory);
  const authenticator = createKubernetesTokens({ audience: AUDIENCE, allowPrincipals }, source);
  authenticators.push(authenticator);
  if (ready) await waitFor('the keys', () => authenticator.notReady() === undefined);
  return authenticator;
}

/** From here on the clock stands, until it is moved. */
export function holdClock(): { forwardMs(ms: number): void } {
  let nowMs = Date.now();
  mock.timers.enable({ apis: ['Date'], now: nowMs });
  return { forwardMs: (ms) => mock.timers.setTime((nowMs += ms)) };
}

export const ask = async (by: Authenticator, authorization?: string): Promise<Principal | Refusal> =>
  by.authenticate(authorization === undefined ? {} : { authorization }, {});

/** What the caller sees: status and words, or its name. */
export function shown(verdict: Principal | Refusal): string {
  if (!('reason' in verdict)) return verdict.name;
  return `${REASONS[verdict.reason].status} ${JSON.parse(refusalBody(verdict)).error.message}`;
}
