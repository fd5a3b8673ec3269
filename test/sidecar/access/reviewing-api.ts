/** Stands for the API server where it is asked about access: real TLS, roles of a test's own. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccessReview } from '../../../sidecar/access/attributes.ts';
import { currentCertificates } from '../../../webhook/certificates.ts';

const TOKEN = 'token-of-the-sidecar';
const PATH = /^\/apis\/authorization\.k8s\.io\/v1\/namespaces\/(ns|bench)\/localsubjectaccessreviews$/;

export interface ReviewingApi {
  readonly apiServer: { readonly host: string; readonly port: number };
  /** With `token` and `ca.crt`. */
  readonly directory: string;
  /** Who may do what; names of none stand for all. */
  readonly grants: Set<string>;
  /** What was asked, in order, but for the sidecar's own first question. */
  readonly asked: AccessReview[];
  /** Answers with this instead, when set. */
  refusal: { status: number; message: string } | undefined;
  /** Each answer waits for it. */
  gate: Promise<void>;
  /** The most that were under way at a time. */
  readonly atOnce: () => number;
  /** Connections so far. */
  readonly connections: () => number;
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** `USER call TOOL`; `USER call` is each of them. A user may be a group. */
export async function startReviewingApi(grants: readonly string[] = []): Promise<ReviewingApi> {
  const certificates = await currentCertificates({}, 'localhost', new Date());
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-access-'));
  writeFileSync(join(directory, 'token'), `${TOKEN}\n`);
  writeFileSync(join(directory, 'ca.crt'), certificates['ca.crt']);
  let server: Server | undefined;
  let [port, running, most, connections] = [0, 0, 0, 0];
  const api: ReviewingApi = {
    get apiServer() {
      return { host: 'localhost', port };
    },
    directory,
    grants: new Set(grants),
    asked: [],
    refusal: undefined,
    gate: Promise.resolve(),
    atOnce: () => most,
    connections: () => connections,
    async start() {
      server = createServer(
        { key: certificates['tls.key'], cert: certificates['tls.crt'] },
        async (request, response) => {
          const review = JSON.parse(await text(request)) as AccessReview;
          most = Math.max(most, ++running);
          if (review.spec.user !== 'system:anonymous') api.asked.push(review);
          await api.gate;
          // As the real one takes a turn at least.
          await new Promise((resolve) => setImmediate(resolve));
          running--;
          const isOurs = request.headers.authorization === `Bearer ${TOKEN}` && PATH.test(request.url ?? '');
          const { status = isOurs ? 201 : 403, message = 'not you' } = api.refusal ?? {};
          const { user, groups, resourceAttributes: at } = review.spec;
          const allowed = [user, ...groups].some(
            (who) => api.grants.has(`${who} ${at.verb}`) || api.grants.has(`${who} ${at.verb} ${at.name}`),
          );
          response
            .writeHead(status, { 'content-type': 'application/json' })
            .end(JSON.stringify(status === 201 ? { ...review, status: { allowed } } : { message }));
        },
      );
      server.on('secureConnection', () => connections++);
      server.listen(port, 'localhost');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo);
    },
    async stop() {
      server?.closeAllConnections();
      server?.close();
      if (server) await once(server, 'close');
      server = undefined;
    },
    async remove() {
      await api.stop();
      rmSync(directory, { recursive: true });
    },
  };
  await api.start();
  return api;
}
