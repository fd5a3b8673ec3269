/** Asks the API server what the proxy asks it. */
import {
  accessReview,
  resourceAttributes,
  type AskedAccess,
  type Subject,
} from '../../sidecar/access/attributes.ts';
import type { HealthDetails } from '../../sidecar/health.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { mapBounded, readHealth } from '../kube/health.ts';
import { findTarget, type TargetFlags } from '../kube/target.ts';
import type { NamedServer } from './server.ts';

export interface Asker {
  readonly cluster: Cluster;
  /** Absent: whoever runs the command. */
  readonly subject?: Subject;
}

export interface AllowedTool {
  readonly name: string;
  readonly allowed: boolean;
  /** `authorization`, or the annotation or rule that hides it from everybody. */
  readonly by: string;
}

const AT_ONCE = 8;
const HEALTH_TIMEOUT_MS = 10_000;

export async function allowedBy(
  { cluster, subject }: Asker,
  asked: AskedAccess,
): Promise<{ allowed: boolean; reason?: string }> {
  const { status } = subject
    ? await cluster.authorization.createNamespacedLocalSubjectAccessReview({
        namespace: asked.namespace,
        body: reviewOf(subject, asked),
      })
    : await cluster.authorization.createSelfSubjectAccessReview({
        body: { spec: { resourceAttributes: { ...resourceAttributes(asked) } } },
      });
  return { allowed: status?.allowed === true, ...(status?.reason ? { reason: status.reason } : {}) };
}

function reviewOf(subject: Subject, asked: AskedAccess) {
  const { spec, ...review } = accessReview(subject, asked);
  const { groups, ...rest } = spec;
  return { ...review, spec: { ...rest, groups: [...groups] } };
}

/** Each tool that the running server has: first without a name, as the proxy does. */
export async function listAllowed(
  asker: Asker,
  { title, namespace, server }: NamedServer,
  asked: AskedAccess,
): Promise<AllowedTool[]> {
  const [, mcpServer] = server.split('/');
  const flags: TargetFlags = mcpServer === undefined ? {} : { mcpServer };
  const target = await findTarget(asker.cluster, title, flags);
  const health = await readHealth(asker.cluster, target, HEALTH_TIMEOUT_MS);
  const servers = health?.servers as HealthDetails['servers'] | undefined;
  const tools = servers?.find(({ name }) => name === server)?.tools;
  if (!tools)
    throw new CliError(
      `${title} in namespace ${namespace}: its proxy does not tell its tools\nSee why: kubectl mcp doctor -n ${namespace}`,
    );
  const all = (await allowedBy(asker, asked)).allowed;
  return mapBounded(tools, AT_ONCE, async ({ name, allowed, rule }) => {
    if (!allowed) return { name, allowed, by: rule };
    const isAllowed = all || (await allowedBy(asker, { ...asked, name })).allowed;
    return { name, allowed: isAllowed, by: 'authorization' };
  });
}
