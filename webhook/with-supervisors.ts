/** Which containers of a pod start a supervisor, and which do so no more. Pure. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { previouslyUnnamed } from './bin-container.ts';
import { isStdio } from './request.ts';
import { isMoved, ownCommand, supervised, unsupervised } from './supervised.ts';
import type { Server } from './target.ts';

export function withSupervisors(spec: V1PodSpec, servers: readonly Server[]): V1Container[] {
  const unnamed = previouslyUnnamed(spec);
  return spec.containers.map((each) => {
    const request = servers.find(({ target }) => target.container === each.name)?.request;
    const hadCommand = !unnamed.includes(each.name);
    if (!request || !isStdio(request)) return unsupervised(each, hadCommand);
    return supervised(each, { command: request.command ?? [], server: request.server?.name, hadCommand });
  });
}

/** Containers whose command comes from an annotation. */
export function unnamedIn(spec: V1PodSpec, servers: readonly Server[]): string[] {
  const before = previouslyUnnamed(spec);
  return spec.containers
    .filter((each) => {
      const server = servers.find(({ target }) => target.container === each.name);
      if (server?.request.command === undefined) return false;
      const was = before.includes(each.name);
      return isMoved(each) ? was : ownCommand(each, !was).length === 0;
    })
    .map(({ name }) => name);
}
