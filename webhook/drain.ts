/** The pod drains before the server stops: a hook of the server's container asks the sidecar and waits. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

/** Kubernetes' default for `terminationGracePeriodSeconds`. */
const DEFAULT_GRACE_SECONDS = 30;
/** What is left of the grace period for the server after the drain. */
const SERVER_MS = 5_000;
const MAX_MS = 86_400_000;

/** Below the grace period, which preStop hooks are counted in: the kubelet kills the server at its end. */
export function drainTimeoutMs(spec: V1PodSpec): number {
  const graceMs = Math.max(0, spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1_000;
  return Math.min(MAX_MS, graceMs - Math.min(SERVER_MS, graceMs / 2));
}

/** A hook of the user's own stays: the container is returned as it is. */
export function withDrainHook(container: V1Container, path: string, port: number): V1Container {
  if (hasOwnHook(container)) return container;
  const preStop = { httpGet: { path, port, scheme: 'HTTP' } };
  return { ...container, lifecycle: { ...container.lifecycle, preStop } };
}

/** Takes the hook of an earlier pass from a container that is not the server (any more). */
export function withoutDrainHook(container: V1Container): V1Container {
  if (!container.lifecycle?.preStop || hasOwnHook(container)) return container;
  const { preStop: _, ...rest } = container.lifecycle;
  const { lifecycle: __, ...bare } = container;
  return Object.keys(rest).length > 0 ? { ...bare, lifecycle: rest } : bare;
}

export function hasOwnHook({ lifecycle }: V1Container): boolean {
  return lifecycle?.preStop !== undefined && !/^\/drain\/./.test(lifecycle.preStop.httpGet?.path ?? '');
}
