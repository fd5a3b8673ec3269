/** Flags → the annotated Deployment, the Service and the NetworkPolicy of a new MCP server. Pure. */
import type {
  V1Deployment,
  V1EnvVar,
  V1NetworkPolicy,
  V1PodSpec,
  V1Role,
  V1RoleBinding,
  V1Service,
} from '@kubernetes/client-node';
import { DEFAULT_LISTEN_PORT } from '../../sidecar/config.ts';
import type { AnnotationKey } from '../../webhook/annotations.ts';
import { PREFIX } from '../../webhook/names.ts';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import { refusalText } from '../../webhook/refusals.ts';
import { portsOf } from '../../webhook/target.ts';
import { accessRolesOf } from '../enable/access-roles.ts';
import { lockdownOf } from '../enable/lockdown.ts';
import { networkPolicyFor } from '../enable/policy.ts';
import { annotationOf, listenPorts, ownPort, serversIn, type Workload } from '../enable/workload.ts';
import { CliError, usageError } from '../errors.ts';

export interface ServerOptions {
  readonly name: string;
  readonly namespace?: string;
  readonly image: string;
  /** Absent: the server speaks stdio. */
  readonly port: number | undefined;
  readonly servicePort: number;
  readonly replicas: number;
  readonly command: readonly string[];
  readonly env: readonly string[];
  readonly serviceAccount?: string;
  /** Annotations beside `inject` and `port`, without the prefix; undefined ones are left out. */
  readonly annotations: Partial<Record<AnnotationKey, string | undefined>>;
}

type ServerObject = V1Role | V1RoleBinding | V1Deployment | V1Service | V1NetworkPolicy;

/** @throws {CliError} for what the webhook would refuse, in its words. */
export function serverObjects(options: ServerOptions): ServerObject[] {
  const { name, namespace, servicePort, replicas } = options;
  if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    throw usageError(
      `the name "${name}" must be lower case letters, digits and "-", start with a letter and have at most 63 characters`,
    );
  }
  const annotations = annotationsOf(options);
  const labels = { 'app.kubernetes.io/name': name };
  const metadata = { name, ...(namespace ? { namespace } : {}), labels };
  const deployment = {
    apiVersion: 'apps/v1' as const,
    kind: 'Deployment' as const,
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: podSpec(options) },
    },
  };
  return [
    ...rolesOf(deployment),
    deployment,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        selector: labels,
        // To the sidecar: the server's own port would be a way around it.
        ports: [
          {
            name: 'mcp',
            port: servicePort,
            targetPort: Number(annotations[`${PREFIX}listen-port`] ?? DEFAULT_LISTEN_PORT),
            protocol: 'TCP',
          },
        ],
      },
    },
    ...policyOf(deployment),
  ];
}

/** Those by which the proxy asks who may call what, before its pods. */
const rolesOf = (deployment: V1Deployment): ServerObject[] => {
  const workload = deployment as Workload;
  return accessRolesOf(workload, annotationOf(workload.spec.template, 'name') ?? workload.metadata.name);
};

/** The one that `enable` would write, so that the manifests are whole without it. */
function policyOf(deployment: V1Deployment): V1NetworkPolicy[] {
  const { name = '', namespace } = deployment.metadata ?? {};
  const workload = deployment as Workload;
  if (lockdownOf(workload) !== 'network-policy') return [];
  const { template } = workload.spec;
  const policy = networkPolicyFor({
    workload,
    name: annotationOf(template, 'name') ?? name,
    serverPorts: portsOf(serversIn(template)),
    listenPorts: listenPorts(template),
    adminPort: ownPort(template, 'admin-port'),
    services: [],
    others: [],
  });
  const { namespace: _, ...metadata } = policy.metadata!;
  return [{ ...policy, metadata: { ...metadata, ...(namespace ? { namespace } : {}) } }];
}

function annotationsOf({ annotations, port }: ServerOptions): Record<string, string> {
  const own = { inject: 'true', port: port === undefined ? undefined : String(port) };
  const given = Object.entries({ ...own, ...annotations }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const prefixed = Object.fromEntries(given.map(([key, value]) => [PREFIX + key, value]));
  const parsed = parseAnnotations(prefixed);
  if ('refusals' in parsed) throw new CliError(refusalText(parsed.refusals));
  return prefixed;
}

function podSpec({ name, image, port, command, env, serviceAccount }: ServerOptions): V1PodSpec {
  return {
    // A server that talks to the API server says so; all others have no business with a token.
    ...(serviceAccount ? { serviceAccountName: serviceAccount } : { automountServiceAccountToken: false }),
    containers: [
      {
        name,
        image,
        ...(command.length > 0 ? { command: [...command] } : {}),
        ...(env.length > 0 ? { env: env.map(parseVariable) } : {}),
        ...(port !== undefined && { ports: [{ name: 'mcp', containerPort: port, protocol: 'TCP' }] }),
      },
    ],
  };
}

function parseVariable(word: string): V1EnvVar {
  const at = word.indexOf('=');
  if (at < 1) throw usageError(`invalid argument "${word}" for "--env" flag: expected NAME=VALUE`);
  return { name: word.slice(0, at), value: word.slice(at + 1) };
}
