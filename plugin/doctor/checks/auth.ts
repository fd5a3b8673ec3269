import { defineCheck } from '../check.ts';
import { podName, proxyLogs, toldServers } from '../served.ts';
import { isOfProvider } from './oidc.ts';
import { isOfReviews } from './reviews.ts';

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
    run: (seen) =>
      toldServers(seen)
        // Of a server that is not connected, the error is about the server.
        .filter(({ server }) => server.connected && server.error !== undefined)
        .filter(({ server }) => server.error !== server.access_error)
        .filter(({ server }) => !isOfProvider(server.error!) && !isOfReviews(server.error!))
        .map(({ pod, server }) => ({
          title: `${podName(pod)}: the proxy cannot tell callers apart`,
          cause: [server.error!],
          fix: proxyLogs(pod),
        })),
  }),
];
