import type { V1Pod } from '@kubernetes/client-node';
import { PREFIX, serverTitle } from '../../../webhook/names.ts';
import { writtenKey } from '../../../webhook/request.ts';
import type { Server } from '../../../webhook/target.ts';
import { hasSidecar, isLive, serversIn } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import { podKey, podName } from '../served.ts';
import type { PodHealth } from '../snapshot.ts';

type Told = { readonly name: string; readonly connected: boolean; readonly error?: string };
/** With its prefix, as it is written for this server. */
type KeyOf = (key: Parameters<typeof writtenKey>[1]) => string;

export const upstreamChecks = [
  defineCheck({
    code: 'MCP602',
    category: 'server',
    title: 'servers over https and elsewhere can be reached',
    severity: 'error',
    about: `The proxy does not reach the server of \`${PREFIX}upstream\`: nothing answers there, its certificate does not fit, or the HTTP proxy on the way refuses. Callers get 503.`,
    remedy:
      'The finding says what came back. Mend the annotation that it names, or the certificate; and see whether the pods may go there (NetworkPolicies, `--egress`).',
    needs: ['pods'],
    uses: ['health'],
    run: ({ pods, health = {} }) =>
      pods
        .filter((pod) => isLive(pod) && hasSidecar(pod))
        .flatMap((pod) =>
          serversIn(pod)
            .filter(({ request }) => request.upstream)
            .flatMap((server) => unreached(pod, server, health[podKey(pod)])),
        ),
  }),
];

function unreached(pod: V1Pod, server: Server, read: PodHealth | undefined): Finding[] {
  const told: readonly Told[] = read && 'health' in read ? read.health.servers : [];
  const { request } = server;
  const name = request.server && serverTitle('', request.server.name);
  const lost = told.filter((each) => !each.connected && (name === undefined || each.name.endsWith(name)));
  const keyOf: KeyOf = (key) => PREFIX + writtenKey(request, key);
  const url = pod.metadata?.annotations?.[keyOf('upstream')] ?? 'its URL';
  return lost.map(({ error = '' }) => ({
    title: `${podName(pod)}: the server at ${url} cannot be reached`,
    cause: error === '' ? [] : [error],
    fix: FIXES.find(([words]) => words.test(error))![1](keyOf),
  }));
}

/** By the words of sidecar/upstream/certificate-faults.ts and tunnel.ts. */
const FIXES: readonly (readonly [RegExp, (keyOf: KeyOf) => string])[] = [
  [
    /certificate is of an authority/,
    (keyOf) =>
      `put the authority's certificate as ca.crt into a Secret or ConfigMap, and name it in ${keyOf('upstream-ca-secret')} or ${keyOf('upstream-ca-configmap')}`,
  ],
  [
    /certificate is for another name/,
    (keyOf) =>
      `set ${keyOf('upstream-tls-server-name')} to a name of the certificate, or ${keyOf('upstream')} to that host`,
  ],
  [/certificate has expired|not valid yet/, () => 'renew the certificate of the server'],
  [/does not speak TLS[,)]/, (keyOf) => `set ${keyOf('upstream')} to http://…, or give the server TLS`],
  [
    /the proxy (answered|ended)/,
    (keyOf) =>
      `let the HTTP proxy pass it, or name another in ${keyOf('upstream-proxy')} ("none": go there directly)`,
  ],
  [/./s, (keyOf) => `compare ${keyOf('upstream')} with where the server is, and with where the pods may go`],
  [/^$/, (keyOf) => `compare ${keyOf('upstream')} with where the server is`],
];
