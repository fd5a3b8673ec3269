/** What a server could see of the proxy where containers see each other's processes. */
import type { V1PodSpec } from '@kubernetes/client-node';
import { sidecarUser } from './container.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import type { Server } from './target.ts';

const TRACERS = ['ALL', 'SYS_PTRACE', 'CAP_SYS_PTRACE'];

/**
 * `/proc/PID/environ`, `/proc/PID/mem` and `/proc/PID/root` are open to processes of the same user, and to tracers. The
 * user that an image brings is not known here, and the usual one of images without root is the proxy's.
 */
export const sharedProcesses = (spec: V1PodSpec, servers: readonly Server[]): Refusal[] =>
  [...new Set(servers.map(({ target }) => target.container))].flatMap((name) => seenBy(spec, name));

function seenBy(spec: V1PodSpec, name: string): Refusal[] {
  const shared = spec.shareProcessNamespace ? 'shareProcessNamespace' : spec.hostPID ? 'hostPID' : undefined;
  const server = spec.containers.find((each) => each.name === name);
  if (!shared || !server) return [];
  const { privileged, capabilities, runAsUser } = server.securityContext ?? {};
  const user = runAsUser ?? spec.securityContext?.runAsUser;
  const refusal = (because: string, mend: string): Refusal[] => [
    refuse(
      'ProcessesShared',
      'inject',
      'true',
      `cannot protect a pod with ${shared}: container "${name}" ${because}, and could read the proxy's secrets in /proc`,
      mend,
    ),
  ];
  if (privileged || capabilities?.add?.some((each) => TRACERS.includes(each))) {
    return refusal('may trace any process', `remove ${shared}, or its privileges`);
  }
  const own = sidecarUser(spec);
  if (user === undefined) {
    const mend = `remove ${shared}, or set its runAsUser to another than ${own}`;
    return refusal(`does not say as which user it runs, while the proxy is ${own}`, mend);
  }
  if (user !== own) return [];
  return refusal(`runs as the proxy's user ${own}`, `remove ${shared}, or give it a runAsUser of its own`);
}
