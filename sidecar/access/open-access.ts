import type { ServerConfig } from '../config.ts';
import type { Log } from '../log.ts';
import type { Access } from './access.ts';
import type { Reviews } from './reviews.ts';

export interface OpenAccess extends Access {
  problem: Reviews['problem'];
  counts: Reviews['counts'];
  close(): void;
}

export interface OpenAccessDeps {
  readonly pod: { readonly namespace: string };
  readonly apiServer?: { readonly host: string; readonly port: number };
  readonly log: Log;
}

/** Undefined where the configuration does not ask for it. */
export async function openAccess(
  { name, authorization }: Pick<ServerConfig, 'name' | 'authorization'>,
  { pod, apiServer, log }: OpenAccessDeps,
): Promise<OpenAccess | undefined> {
  if (!authorization) return undefined;
  if (!apiServer)
    throw new Error('authorization kubernetes needs KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT');
  // TLS is much of the sidecar's memory: loaded only where it is used.
  const [{ createAccess }, { createApiServer }, { createReviews, MAX_PARALLEL }] = await Promise.all([
    import('./access.ts'),
    import('./ask-api-server.ts'),
    import('./reviews.ts'),
  ]);
  const asked = createApiServer(apiServer, authorization.directory, MAX_PARALLEL);
  const of = { namespace: pod.namespace, server: name };
  const reviews = createReviews(authorization, { ask: asked.ask, of, log });
  return {
    ...createAccess(reviews),
    problem: reviews.problem,
    counts: reviews.counts,
    close() {
      reviews.close();
      asked.close();
    },
  };
}
