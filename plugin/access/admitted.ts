import { globMatcher } from '../../sidecar/glob.ts';
import type { NamedServer } from './server.ts';

/** A service account by its two names, all others by the name that the proxy gives them. */
export interface NamedCaller {
  readonly namespace?: string;
  readonly name: string;
}

/** Why the proxy does not let a caller in, whatever Roles say of it; undefined: it does, or nobody can tell. */
export function notAdmitted(
  { title, namespace, request }: NamedServer,
  { namespace: home, name }: NamedCaller,
): string | undefined {
  const caller = home === undefined ? name : `${home}/${name}`;
  const kind = home === undefined ? /^(oidc|token|mtls):/.exec(name)?.[1] : 'kubernetes';
  if (kind !== undefined && !request.auth.some((each) => each === kind))
    return `nobody is ${caller} to the proxy of ${title}: its auth is ${request.auth.join(',')}`;
  if (home === undefined) return undefined;
  const globs = request['allow-principals'] ?? [`${namespace}/*`];
  if (globs.some((glob) => globMatcher(glob)(caller))) return undefined;
  return `the proxy of ${title} lets in ${globs.join(', ')}, and not ${caller}\nAdd it: kubectl mcp enable ${title} -n ${namespace} --allow-principals '${[...globs, caller].join(',')}'`;
}
