/** Servers of stdio as a user would have deployed them where `restricted` holds: they listen nowhere, and nobody speaks to them. */
import { audienceOf } from '../../webhook/names.ts';
import { imageName } from '../images/build.ts';
import { kubectl } from './kubectl.ts';
import { createNamespace } from './namespace.ts';

export interface StdioWorkload {
  readonly name: string;
  /** Of test/images. */
  readonly image: string;
  readonly command: readonly string[];
  readonly args?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** An empty directory that it may write to. */
  readonly writes?: string;
  /** Python, done before it starts. */
  readonly prepare?: string;
  readonly memory?: string;
  /** Somebody holds its stdin open. */
  readonly stdin?: true;
}

const PREFIX = 'kubectl-mcp.dev/';
export const INJECTED = { [`${PREFIX}inject`]: 'true', [`${PREFIX}transport`]: 'stdio' };
export const annotations = (given: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([key, value]) => [PREFIX + key, value]));

const SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

export function deployment(namespace: string, workload: StdioWorkload): object {
  const { name, image, command, args, env = {}, writes, prepare, memory, stdin } = workload;
  const container = {
    image: imageName(image),
    imagePullPolicy: 'Never',
    securityContext: SECURITY,
    ...(writes && { volumeMounts: [{ name: 'data', mountPath: writes }] }),
  };
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { 'example.com/kept': 'yes', ...workload.annotations } },
        spec: {
          terminationGracePeriodSeconds: 5,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          ...(writes && { volumes: [{ name: 'data', emptyDir: {} }] }),
          ...(prepare && {
            initContainers: [{ ...container, name: 'prepare', command: ['/usr/bin/python3', '-c', prepare] }],
          }),
          containers: [
            {
              ...container,
              name,
              command,
              ...(args && { args }),
              env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
              ...(stdin && { stdin }),
              ...(memory && { resources: { limits: { memory } } }),
            },
          ],
        },
      },
    },
  };
}

/** Everything in it must be `restricted`. */
export async function createRestricted(namespace: string, serviceAccounts: readonly string[]): Promise<void> {
  await createNamespace(namespace, { 'pod-security.kubernetes.io/enforce': 'restricted' });
  const items = serviceAccounts.map((name) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace },
  }));
  await apply({ apiVersion: 'v1', kind: 'List', items });
}

export const apply = (object: object): Promise<string> =>
  kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });

export async function tokenOf(namespace: string, serviceAccount: string, workload: string): Promise<string> {
  const audience = `--audience=${audienceOf(workload, namespace)}`;
  return (await kubectl(['-n', namespace, 'create', 'token', serviceAccount, audience])).trim();
}

/** Where its sidecar listens: pods of stdio servers have no Service before `enable` makes one. */
export async function podUrl(namespace: string, app: string): Promise<string> {
  const path = 'jsonpath={.items[?(@.status.phase=="Running")].status.podIP}';
  const ips = (await kubectl(['-n', namespace, 'get', 'pods', '-l', `app=${app}`, '-o', path]))
    .trim()
    .split(' ');
  return `http://${ips.at(-1)}:7410/mcp`;
}
