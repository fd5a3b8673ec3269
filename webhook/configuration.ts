/** From annotations to the document that the sidecar reads. */
import type { V1PodSpec } from '@kubernetes/client-node';
import { CONFIG_VERSION } from '../sidecar/config.ts';
import type { SidecarConfigInput } from '../sidecar/config.ts';
import type { InjectionRequest } from './annotations.ts';
import { drainTimeoutMs } from './drain.ts';
import { audienceOf } from './names.ts';
import type { Target } from './target.ts';

type Server = SidecarConfigInput['servers'][number];
type Parts = { spec: V1PodSpec; target: Target; workload: string; drainPath: string; namespace: string };

export function configOf(request: InjectionRequest, parts: Parts): SidecarConfigInput {
  const { 'allow-tools': allowTools, 'deny-tools': denyTools, mode, audit } = request;
  return {
    version: CONFIG_VERSION,
    adminPort: request['admin-port'],
    drain: { path: parts.drainPath, timeoutMs: drainTimeoutMs(parts.spec) },
    servers: [
      {
        name: parts.workload,
        listenPort: request['listen-port'],
        upstream: { transport: 'streamable-http', port: parts.target.port, path: request.path },
        auth: authOf(request, parts),
        filter: { ...(allowTools && { allowTools }), ...(denyTools && { denyTools }), mode },
        audit,
      },
    ],
  };
}

function authOf(request: InjectionRequest, { workload, namespace }: Parts): Server['auth'] {
  if (request.auth === 'none') return { mode: 'none' };
  if (request.auth === 'token') return { mode: 'token', source: `secret/${request['token-secret']}` };
  return {
    mode: 'kubernetes',
    audience: request.audience ?? audienceOf(workload, namespace),
    allowPrincipals: request['allow-principals'] ?? [`${namespace}/*`],
  };
}
