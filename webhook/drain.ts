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

/** Where Istio's injector sends the hooks of the app's containers, and what tells its agent where they led before. */
const ISTIO_HOOK = /^\/app-lifecycle\/[^/]+\/prestopz$/;
const ISTIO_HOOKS_ENV = 'ISTIO_KUBE_APP_PROBERS';

/** Hooks of an earlier pass that Istio has sent through its agent since lead to the sidecar again: its port is not meshed. */
export function restoredHooks(spec: V1PodSpec): V1PodSpec {
  const original = (hook: string): { path: string; port: number } | undefined =>
    [...spec.containers, ...(spec.initContainers ?? [])]
      .flatMap(({ env }) => env ?? [])
      .filter(({ name }) => name === ISTIO_HOOKS_ENV)
      .map(({ value }) => istioHook(value, hook))
      .find((each) => each !== undefined);
  const containers = spec.containers.map((each) => {
    const hook = each.lifecycle?.preStop?.httpGet?.path;
    const found = hook && ISTIO_HOOK.test(hook) ? original(hook) : undefined;
    return found ? withDrainHook({ ...each, lifecycle: withoutPreStop(each) }, found.path, found.port) : each;
  });
  return { ...spec, containers };
}

function istioHook(text: string | undefined, hook: string): { path: string; port: number } | undefined {
  try {
    const { path, port } = JSON.parse(text ?? '')[hook].httpGet;
    return isDrainPath(path) && typeof port === 'number' ? { path, port } : undefined;
  } catch {
    return undefined;
  }
}

function withoutPreStop({ lifecycle }: V1Container): NonNullable<V1Container['lifecycle']> {
  const { preStop: _, ...rest } = lifecycle ?? {};
  return rest;
}

const isDrainPath = (path: unknown): path is string => typeof path === 'string' && /^\/drain\/./.test(path);

/** Takes the hook of an earlier pass from a container that is not the server (any more). */
export function withoutDrainHook(container: V1Container): V1Container {
  if (!container.lifecycle?.preStop || hasOwnHook(container)) return container;
  const rest = withoutPreStop(container);
  const { lifecycle: _, ...bare } = container;
  return Object.keys(rest).length > 0 ? { ...bare, lifecycle: rest } : bare;
}

export function hasOwnHook({ lifecycle }: V1Container): boolean {
  return lifecycle?.preStop !== undefined && !isDrainPath(lifecycle.preStop.httpGet?.path);
}
