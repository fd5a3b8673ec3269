/** The API clients of one command. client-node costs half a second to load: only commands that need a cluster do. */
import type {
  AdmissionregistrationV1Api,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  DiscoveryV1Api,
  KubeConfig,
  KubernetesObjectApi,
  NetworkingV1Api,
  VersionApi,
} from '@kubernetes/client-node';
import type { GlobalFlags } from '../flags.ts';
import { VERSION } from '../version.ts';

export interface Cluster {
  readonly config: KubeConfig;
  /** `-n`, else the context's, else `default`. */
  readonly namespace: string;
  /** URL of the API server. */
  readonly server: string;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly networking: NetworkingV1Api;
  readonly discovery: DiscoveryV1Api;
  readonly admission: AdmissionregistrationV1Api;
  readonly authorization: AuthorizationV1Api;
  readonly version: VersionApi;
  /** Any kind by apiVersion and kind. */
  readonly objects: KubernetesObjectApi;
}

export type Connect = (flags: GlobalFlags, env: Record<string, string | undefined>) => Promise<Cluster>;

export const connect: Connect = async (flags, env) => {
  const [kube, { resolveConfig }] = await Promise.all([
    import('@kubernetes/client-node'),
    import('./config.ts'),
  ]);
  const { config, namespace, server } = resolveConfig(flags, env);
  const configuration = kube.createConfiguration({
    baseServer: new kube.ServerConfiguration(server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: async (request) => {
          request.setHeaderParam('User-Agent', `kubectl-mcp/${VERSION}`);
          return request;
        },
        post: async (response) => response,
      },
    ],
  });
  return {
    config,
    namespace,
    server,
    core: new kube.CoreV1Api(configuration),
    apps: new kube.AppsV1Api(configuration),
    networking: new kube.NetworkingV1Api(configuration),
    discovery: new kube.DiscoveryV1Api(configuration),
    admission: new kube.AdmissionregistrationV1Api(configuration),
    authorization: new kube.AuthorizationV1Api(configuration),
    version: new kube.VersionApi(configuration),
    objects: new kube.KubernetesObjectApi(configuration),
  };
};
