/** What is not wrong with a pod, but should be known to who makes it. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { unusableVariable } from './elsewhere.ts';
import { unusableOutbound } from './outbound-configuration.ts';
import { writtenKey } from './request.ts';
import type { AnnotationKey } from './annotations.ts';
import type { InjectionRequest } from './request.ts';
import { hasOwnHook } from './drain.ts';
import { PREFIX } from './names.ts';
import { tokenWarnings } from './token-warnings.ts';
import type { Server } from './target.ts';

/** Checks that `*` switches off, and what that means. */
export const WIDE_OPEN = {
  'allowed-hosts': 'the Host header is not checked: a web page can reach the server by DNS rebinding',
  'allowed-origins': 'any web page may call the server from the browser of who can reach it',
} as const satisfies Partial<Record<AnnotationKey, string>>;

export const widelyOpen = (request: InjectionRequest): (keyof typeof WIDE_OPEN)[] =>
  (Object.keys(WIDE_OPEN) as (keyof typeof WIDE_OPEN)[]).filter((key) => request[key]?.includes('*'));

export function warningsOf(spec: V1PodSpec, servers: readonly Server[]): string[] {
  const isServer = ({ name }: V1Container) => servers.some(({ target }) => target.container === name);
  const hooks = spec.containers
    .filter((each) => isServer(each) && hasOwnHook(each))
    .map(
      ({ name }) => `container "${name}" has a preStop hook of its own: calls that run at a stop may be cut`,
    );
  return [
    ...hooks,
    ...new Set(servers.flatMap(({ request }) => warningsOfServer(spec, request))),
    ...servers.flatMap((each) => [...otherImage(spec, each), ...unusableProxy(spec, each)]),
  ];
}

/** @param read with its digest; `image` may be without. */
export const isSameImage = (read: string, image: string): boolean =>
  read === image || read.startsWith(`${image}@sha256:`);

/** An image of the same name may start something else by now; one of another name likely does. */
function otherImage(spec: V1PodSpec, { request, target }: Server): string[] {
  const read = request['command-image'];
  const image = spec.containers.find(({ name }) => name === target.container)?.image;
  if (read === undefined || image === undefined || isSameImage(read, image)) return [];
  return [
    `${PREFIX}${writtenKey(request, 'command-image')}: the command was read from another image (${read}) than container "${target.container}" has (${image}): kubectl mcp enable reads it again`,
  ];
}

/** Which nobody would see: the server is reached without it, or is not. */
function unusableProxy(spec: V1PodSpec, { request, target }: Server): string[] {
  const container = spec.containers.find(({ name }) => name === target.container);
  const name = unusableVariable(request, container);
  const outbound = unusableOutbound(request, container);
  const providers =
    outbound === undefined
      ? []
      : [
          `${outbound} of container "${target.container}" is not http://HOST:PORT without a user: identity providers are reached directly; ${PREFIX}${writtenKey(request, 'outbound-proxy')} names a proxy`,
        ];
  return name === undefined
    ? providers
    : [
        ...providers,
        `${PREFIX}${writtenKey(request, 'upstream')}: ${name} of container "${target.container}" is not http://HOST:PORT without a user: the server is reached directly; ${PREFIX}${writtenKey(request, 'upstream-proxy')} names a proxy`,
      ];
}

const warningsOfServer = (spec: V1PodSpec, request: InjectionRequest): string[] => [
  ...widelyOpen(request).map((key) => `${PREFIX}${writtenKey(request, key)} holds "*": ${WIDE_OPEN[key]}`),
  ...tokenWarnings(request),
  ...missingVolumes(spec, request).map(
    ({ key, volume, there }) =>
      `${PREFIX}${writtenKey(request, key)}: the pod has no volume "${volume}" (it has: ${there}); it is refused unless another webhook adds it`,
  ),
];

/** No refusal: an injector whose configuration comes after ours by name, like Vault's, adds its volume later. */
export function missingVolumes(spec: V1PodSpec, request: InjectionRequest) {
  const there = (spec.volumes ?? []).map((each) => each.name);
  return (['token-volume', 'upstream-headers-volume'] as const).flatMap((key) => {
    const volume = request[key]?.volume;
    return volume === undefined || there.includes(volume)
      ? []
      : [{ key, volume, there: there.join(', ') || 'none' }];
  });
}
