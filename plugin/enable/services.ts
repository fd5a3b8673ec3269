/** Services in front of the server: repointed at the sidecar, and back. Pure. */
import type { V1Service, V1ServicePort } from '@kubernetes/client-node';
import { PREFIX } from '../../webhook/names.ts';
import type { Server } from '../../webhook/target.ts';
import type { Change } from './change.ts';
import { type DeclaredPort, declaredPorts, objectName, type Workload } from './workload.ts';

/** JSON, from a Service port's number to its targetPort before us; null where it had none. */
export const ORIGINAL_TARGET_PORTS = `${PREFIX}original-target-ports`;

type TargetPort = number | string | null;

export interface ServerAddresses {
  readonly declared: readonly DeclaredPort[];
  /** From a server's own port to the proxy's for it. */
  readonly listenPorts: ReadonlyMap<number, number>;
}

/** The number that a Service port reaches on the pods: by number, by a port's name, or its own when it names none. */
export function reachedPort(port: V1ServicePort, declared: readonly DeclaredPort[]): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  return declared.find((each) => each.name === target && each.protocol === (port.protocol ?? 'TCP'))?.number;
}

export const isTcp = (port: V1ServicePort): boolean => (port.protocol ?? 'TCP') === 'TCP';

/** Nothing led to a server that listens nowhere, and there is nothing to repoint: callers need a Service. */
export const unreachedStdio = (
  services: readonly V1Service[],
  { kind, metadata: { name, namespace }, spec }: Workload,
  servers: readonly Server[],
): string[] =>
  servers
    .filter(({ target }) => target.port === undefined)
    .map(({ request }) => request['listen-port'])
    .filter(
      (listenPort) =>
        !services.some(({ spec: each }) =>
          (each?.ports ?? []).some(
            (port) => isTcp(port) && reachedPort(port, declaredPorts(spec.template)) === listenPort,
          ),
        ),
    )
    .map((listenPort) =>
      kind === 'Deployment'
        ? `no Service leads to port ${listenPort} of the proxy; to make one: kubectl expose deployment/${name} -n ${namespace} --port 80 --target-port ${listenPort}`
        : `no Service leads to port ${listenPort} of the proxy: callers in the cluster need one with targetPort ${listenPort}`,
    );

/** A Service whose ports that reach the server reach the sidecar instead; undefined when none does. */
export function repointedService(service: V1Service, address: ServerAddresses): Change | undefined {
  const originals = originalTargetPorts(service) ?? {};
  const details: string[] = [];
  const ports = (service.spec?.ports ?? []).map((port) => {
    const listenPort = address.listenPorts.get(reachedPort(port, address.declared) ?? 0);
    if (!isTcp(port) || listenPort === undefined) return port;
    originals[port.port] = port.targetPort ?? null;
    details.push(`port ${port.port}: targetPort ${port.targetPort ?? '(none)'} -> ${listenPort}`);
    return { ...port, targetPort: listenPort };
  });
  if (details.length === 0) return undefined;
  const annotations = {
    ...service.metadata?.annotations,
    [ORIGINAL_TARGET_PORTS]: JSON.stringify(originals),
  };
  const metadata = { ...service.metadata, annotations };
  return {
    before: service,
    after: { ...service, metadata, spec: { ...service.spec, ports } } as V1Service,
    done: 'repointed',
    details,
  };
}

/** The Service as `enable` found it. A port that someone has changed since is left, and warned of. */
export function restoredService(
  service: V1Service,
  listenPorts: readonly number[],
): { change?: Change; warnings: string[] } {
  const originals = originalTargetPorts(service);
  if (!originals) return { warnings: [] };
  const warnings: string[] = [];
  const details: string[] = [];
  const ports = (service.spec?.ports ?? []).map((port) => {
    const original = originals[port.port];
    if (original === undefined || !isTcp(port)) return port;
    if (!listenPorts.some((each) => each === port.targetPort)) {
      warnings.push(
        `${objectName(service)}: targetPort of port ${port.port} is ${port.targetPort ?? '(none)'}, not the proxy's ${listenPorts.join(' or ')}: left as it is`,
      );
      return port;
    }
    details.push(`port ${port.port}: targetPort ${port.targetPort} -> ${original ?? '(none)'}`);
    const restored = { ...port, targetPort: original ?? undefined };
    if (original === null) delete restored.targetPort;
    return restored;
  });
  const metadata = { ...service.metadata, annotations: { ...service.metadata?.annotations } };
  delete metadata.annotations[ORIGINAL_TARGET_PORTS];
  if (Object.keys(metadata.annotations).length === 0) delete (metadata as V1Service['metadata'])!.annotations;
  const after = { ...service, metadata, spec: { ...service.spec, ports } } as V1Service;
  return { change: { before: service, after, done: 'restored', details }, warnings };
}

/** @throws {Error} naming the Service, when the annotation is not what `enable` writes. */
export function originalTargetPorts(service: V1Service): Record<string, TargetPort> | undefined {
  const text = service.metadata?.annotations?.[ORIGINAL_TARGET_PORTS];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isTargetPorts(value)) return value;
  throw new Error(
    `${objectName(service)}: annotation ${ORIGINAL_TARGET_PORTS} is not readable: ${text.slice(0, 80)}\n` +
      'Set the targetPorts by hand, remove the annotation, then run the command again.',
  );
}

const isTargetPorts = (value: unknown): value is Record<string, TargetPort> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(
    ([port, target]) =>
      /^\d+$/.test(port) && (target === null || typeof target === 'string' || Number.isInteger(target)),
  );
