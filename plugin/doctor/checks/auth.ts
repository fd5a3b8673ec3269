import { hasSidecar, isLive } from '../../enable/workload.ts';
import { defineCheck } from '../check.ts';
import { podKey, podName } from '../served.ts';

export const authChecks = [
  defineCheck({
    code: 'MCP702',
    category: 'auth',
    title: 'the proxies can tell callers apart',
    severity: 'error',
    about:
      'The proxy has no keys of the cluster to verify service-account tokens with, or no tokens to compare. Until it has, every caller gets 503.',
    remedy:
      'The message names the cause. With `auth: kubernetes` the proxy fetches the keys from the API server: an egress policy may forbid that.',
    needs: ['pods', 'health'],
    run: ({ pods, health }) =>
      pods
        .filter((pod) => isLive(pod) && hasSidecar(pod))
        .flatMap((pod) => {
          const read = health[podKey(pod)];
          const servers = read && 'health' in read ? read.health.servers : [];
          // Of a server that is not connected, the error is about the server.
          return servers
            .filter((each) => each.connected && each.error !== undefined)
            .map((each) => ({
              title: `${podName(pod)}: the proxy cannot tell callers apart`,
              cause: [each.error!],
              fix: `kubectl logs ${pod.metadata?.name} -n ${pod.metadata?.namespace} -c mcp-proxy`,
            }));
        }),
  }),
];
