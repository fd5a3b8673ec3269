import type { V1Pod } from '@kubernetes/client-node';
import { serverTitle } from '../../../webhook/names.ts';
import { isStdio } from '../../../webhook/request.ts';
import type { Server } from '../../../webhook/target.ts';
import { hasSidecar, isLive, serversIn } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import { podKey, podName } from '../served.ts';
import type { Health } from '../snapshot.ts';

type Told = Health['servers'][number];

export const stdioChecks = [
  defineCheck({
    code: 'MCP605',
    category: 'server',
    title: 'processes of stdio servers start, and speak nothing but JSON-RPC',
    severity: 'error',
    about:
      'A process ended before it had answered, and its caller got an error; or the server prints on its standard output what is no message of JSON-RPC: it is left out, but what was printed into the middle of a message breaks that.',
    remedy:
      'The finding has the exit code and the last lines of stderr. A command that is not the image’s shows here, too: `kubectl mcp enable --transport stdio` reads it anew. Logs belong on stderr.',
    needs: ['pods', 'health'],
    run: ({ pods, health }) =>
      pods
        .filter((pod) => isLive(pod) && hasSidecar(pod))
        .flatMap((pod) => {
          const read = health[podKey(pod)];
          const told = read && 'health' in read ? read.health.servers : [];
          return serversIn(pod)
            .filter(({ request }) => isStdio(request))
            .flatMap((server) => {
              const title = server.request.server && serverTitle('', server.request.server.name);
              const own = told.filter(({ name }) => title === undefined || name.endsWith(title));
              return own.flatMap((each) => findingsOf(pod, server, each));
            });
        }),
  }),
];

function findingsOf(pod: V1Pod, { target }: Server, { connected, error, stdio }: Told): Finding[] {
  const logs = `kubectl logs ${pod.metadata?.name} -n ${pod.metadata?.namespace} -c ${target.container}`;
  const findings: Finding[] = [];
  if (!connected || (stdio && stdio.failed_starts > 0)) {
    findings.push({
      title: `${podName(pod)}: ${stdio ? `${stdio.failed_starts} of ${stdio.starts} processes of the server ended before they had answered` : 'no process of the server answers'}`,
      cause: [...(error ? [error] : []), ...endOf(stdio?.last_exit)],
      fix: logs,
    });
  }
  if (stdio && stdio.foreign_lines > 0) {
    findings.push({
      title: `${podName(pod)}: the server has printed ${stdio.foreign_lines} lines that are no JSON-RPC on its standard output`,
      cause: ['they reach no client; inside of a message they would break it'],
      fix: 'let it log to stderr, as its documentation says',
      severity: 'warning',
    });
  }
  return findings;
}

const endOf = (exit: NonNullable<Told['stdio']>['last_exit']): string[] =>
  exit
    ? [
        `the last one ended with ${exit.signal ?? `code ${exit.code ?? 'unknown'}`}`,
        ...exit.stderr.map((line) => `  ${line}`),
      ]
    : [];
