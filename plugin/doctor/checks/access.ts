import { workloadNameOf } from '../../../webhook/names.ts';
import { defineCheck } from '../check.ts';
import { podName, proxyLogs, toldServers } from '../served.ts';

export const accessChecks = [
  defineCheck({
    code: 'MCP715',
    category: 'auth',
    title: 'the API server says who may call what',
    severity: 'error',
    about:
      "With `authorization: kubernetes` the proxy asks the API server about each caller. It does not answer, or the pod's service account may not ask: calls are refused.",
    remedy:
      "`kubectl mcp enable NAME` writes the Role that lets the pod's service account create localsubjectaccessreviews in its namespace. Where nothing answers, an egress policy may forbid the way.",
    needs: ['pods', 'health'],
    run: (seen) =>
      toldServers(seen)
        .filter(({ server }) => server.access_error !== undefined)
        .map(({ pod, server }) => ({
          title: `${podName(pod)}: the API server does not say who may call what`,
          cause: [server.access_error!],
          fix: /\b403\b/.test(server.access_error!)
            ? `kubectl mcp enable ${workloadNameOf(pod)} -n ${pod.metadata?.namespace}`
            : proxyLogs(pod),
        })),
  }),
];
