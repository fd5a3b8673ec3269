import { writtenKey } from './request.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import type { Server } from './target.ts';

const KEYS = ['oidc-issuer', 'oidc-jwks-url', 'upstream-token-url'] as const;

/** The loopback of a pod is the server's too, which is not trusted to say who its callers are, nor with the proxy's secrets. */
export const unprovenProviders = (servers: readonly Server[]): Refusal[] =>
  servers.flatMap(({ request }) =>
    KEYS.flatMap((key) => {
      const url = request[key];
      if (url === undefined || !/^http:/i.test(url)) return [];
      const message =
        "is plain HTTP on the pod's own loopback, where the server could stand in for the provider";
      return [refuse('ProviderUnproven', writtenKey(request, key), url, message, 'write a URL of https')];
    }),
  );
