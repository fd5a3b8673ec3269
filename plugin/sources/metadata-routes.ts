/** Whether Ingresses lead clients of OAuth to the metadata of a server that they lead calls to. Pure. */
import type { V1HTTPIngressPath, V1Ingress, V1Service } from '@kubernetes/client-node';
import { METADATA_PATH } from '../../sidecar/auth/protected-resource.ts';

export interface MissingRoute {
  readonly ingress: string;
  readonly service: string;
  readonly host: string;
  /** Where clients look. */
  readonly path: string;
}

/**
 * Paths of Ingresses are told by their words alone: what a controller rewrites, or reads as a regular expression, is
 * not known here, and is taken to be right.
 * @param services those that lead to the workload; of one namespace, as an Ingress and its Services are
 */
export function missingRoute(
  publicUrl: string,
  ingresses: readonly V1Ingress[],
  services: readonly V1Service[],
): MissingRoute | undefined {
  const { host, pathname } = new URL(publicUrl);
  const name = host.replace(/:\d+$/, '');
  const wanted = `${METADATA_PATH}${pathname.replace(/\/$/, '')}`;
  const names = new Set(services.map((each) => each.metadata?.name));
  const routes = ingresses.flatMap(({ metadata, spec }) =>
    (spec?.rules ?? [])
      .filter((rule) => rule.host === undefined || isHost(rule.host, name))
      .flatMap((rule) => rule.http?.paths ?? [])
      .filter(({ backend }) => names.has(backend.service?.name))
      .map((path) => ({ path, ingress: metadata?.name ?? '' })),
  );
  const [first] = routes;
  if (!first || routes.some(({ path }) => leadsTo(path, wanted))) return undefined;
  const { path, ingress } = first;
  return { ingress, service: path.backend.service!.name, host: name, path: wanted };
}

/** `*.` stands for one label. */
const isHost = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*.') && pattern.slice(2) === host.slice(host.indexOf('.') + 1));

function leadsTo({ path = '/', pathType }: V1HTTPIngressPath, wanted: string): boolean {
  if (pathType === 'Exact') return path === wanted;
  if (pathType !== 'Prefix') return /[()[\]*+?^$|\\]/.test(path) || wanted.startsWith(path);
  const prefix = path.replace(/\/$/, '');
  return wanted === prefix || wanted.startsWith(`${prefix}/`);
}
