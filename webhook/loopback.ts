/** `lockdown: loopback`: the server is told to listen on 127.0.0.1 alone, and what asks it from outside follows. Pure. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import type { InjectionRequest } from './request.ts';
import { writtenKey } from './request.ts';
import {
  eachContainer,
  ledElsewhere,
  type Loopback,
  probesOf,
  relayed,
  restored,
  unfollowed,
} from './probes.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import { portsOf } from './target.ts';
import type { Target } from './target.ts';

export type Told = { request: InjectionRequest; target: Target };

const isLoopback = ({ request, target }: Told): boolean =>
  request.lockdown === 'loopback' && target.port !== undefined;

/** @param previous of an earlier pass, which `spec` is {@link withoutLoopback} already. */
export function withLoopback<S extends V1PodSpec>(
  spec: S,
  all: readonly Told[],
  { adminPort, previous }: { adminPort: number; previous: Loopback | undefined },
): { spec: S; loopback?: Loopback } {
  const servers = all.filter(isLoopback);
  if (servers.length === 0) return { spec };
  const asked = probesOf(spec, portsOf(servers));
  const probes = { ...ledElsewhere(spec, previous?.probes ?? {}), ...asked };
  const added: Loopback['added'] = {};
  const containers = spec.containers.map((container) => {
    const words = wordsFor(container, servers);
    if (words.env.length === 0 && words.args.length === 0) return container;
    added[container.name] = { env: words.env.map(({ name }) => name), args: words.args };
    return toldContainer(container, words);
  });
  const told = { ...spec, containers };
  return { spec: relayed(told, asked, adminPort), loopback: { probes, added } };
}

/** Variables and arguments of ours go, probes are as they were. */
export function withoutLoopback<S extends V1PodSpec>(spec: S, loopback: Loopback | undefined): S {
  if (!loopback) return spec;
  return eachContainer(restored(spec, loopback.probes), (container) => {
    const added = Object.hasOwn(loopback.added, container.name) ? loopback.added[container.name] : undefined;
    return added ? untoldContainer(container, added) : container;
  });
}

type Words = { env: { name: string; value: string }[]; args: string[] };

/** What is said for all servers of a container is said to it once. */
function wordsFor({ name }: V1Container, servers: readonly Told[]): Words {
  const requests = servers.filter(({ target }) => target.container === name).map(({ request }) => request);
  const env = requests.flatMap((each) => each['loopback-env'] ?? []);
  const args = requests.flatMap((each) => (each['loopback-args'] ? [each['loopback-args']] : []));
  return { env: once(env), args: once(args).flat() };
}

const once = <T>(all: T[]): T[] => [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];

const toldContainer = (container: V1Container, { env, args }: Words): V1Container => ({
  ...container,
  ...(args.length > 0 && { args: [...(container.args ?? []), ...args] }),
  ...(env.length > 0 && { env: [...(container.env ?? []), ...env] }),
});

function untoldContainer(
  { env = [], args = [], ...rest }: V1Container,
  added: Loopback['added'][string],
): V1Container {
  const keptEnv = env.filter(({ name }) => !added.env.includes(name));
  const at = lastIndexOf(args, added.args);
  const keptArgs = at < 0 ? args : args.toSpliced(at, added.args.length);
  return {
    ...rest,
    ...(keptArgs.length > 0 && { args: keptArgs }),
    ...(keptEnv.length > 0 && { env: keptEnv }),
  };
}

/** Another injector may have put arguments of its own behind ours. */
function lastIndexOf(all: readonly string[], part: readonly string[]): number {
  if (part.length === 0) return -1;
  for (let at = all.length - part.length; at >= 0; at--) {
    if (part.every((each, index) => all[at + index] === each)) return at;
  }
  return -1;
}

/** What would keep the server from being told, or the kubelet from reaching it. */
export function loopbackFaults(spec: V1PodSpec, all: readonly Told[]): Refusal[] {
  const servers = all.filter(isLoopback);
  return [
    ...servers.flatMap((each) => tellingFaults(spec, each)),
    ...servers.flatMap((each) => probeFaults(spec, each)),
  ];
}

function tellingFaults(spec: V1PodSpec, { request, target }: Told): Refusal[] {
  const container = spec.containers.find((each) => each.name === target.container);
  if (!container) return [];
  const taken = (request['loopback-env'] ?? []).filter(({ name }) =>
    container.env?.some((each) => each.name === name),
  );
  const names = taken.map(({ name, value }) => `${name}=${value}`).join(',');
  return [
    ...taken.map(({ name, value }) =>
      refuse(
        'LoopbackEnvTaken',
        writtenKey(request, 'loopback-env'),
        names,
        `is set in container "${container.name}" already`,
        `set ${name} to ${value} there, and leave it out here`,
      ),
    ),
    ...argumentFaults(container, request),
  ];
}

const SHELL = /(^|\/)(ba|da|a|z)?sh$/;

function argumentFaults(container: V1Container, request: InjectionRequest): Refusal[] {
  const added = request['loopback-args'];
  if (!added) return [];
  const refused = (message: string, mend: string): Refusal[] => [
    refuse('LoopbackArgsLost', writtenKey(request, 'loopback-args'), added.join(' '), message, mend),
  ];
  const line = [...(container.command ?? []), ...(container.args ?? [])];
  if (line.length === 0) {
    return refused(
      `would take the place of the image's own arguments: container "${container.name}" writes down neither command nor args`,
      'write the arguments of the image into args of the container',
    );
  }
  if (SHELL.test(line[0] ?? '') && line.some((each) => /^-[a-z]*c$/.test(each))) {
    return refused(
      `would be arguments of the shell of container "${container.name}", and not of the server`,
      'write them into its command line, and leave them out here',
    );
  }
  return [];
}

function probeFaults(spec: V1PodSpec, { request, target }: Told): Refusal[] {
  const { port } = target;
  if (port === undefined) return [];
  const refused = (what: string, mend: string): Refusal =>
    refuse(
      'LoopbackProbe',
      writtenKey(request, 'lockdown'),
      'loopback',
      `leaves ${what} without an answer: it asks port ${port} at the pod's address`,
      mend,
    );
  return [
    ...unfollowed(spec, [port]).map((key) =>
      refused(`the gRPC probe ${key}`, 'use httpGet, tcpSocket or exec'),
    ),
    ...(istioAsks(spec, port)
      ? [
          refused(
            "Istio's agent (it was told of the probes first)",
            'set the annotation sidecar.istio.io/rewriteAppHTTPProbers: "false": the proxy\'s admin port is not in the mesh',
          ),
        ]
      : []),
  ];
}

/** Istio's injector came first: its agent asks the app for the kubelet, at the pod's address. */
function istioAsks(spec: V1PodSpec, port: number): boolean {
  const texts = [...spec.containers, ...(spec.initContainers ?? [])]
    .flatMap(({ env }) => env ?? [])
    .filter(({ name }) => name === 'ISTIO_KUBE_APP_PROBERS')
    .map(({ value }) => value ?? '');
  return texts.some((text) => new RegExp(`"port":\\s*${port}\\b`).test(text));
}
