/** Why the API server takes no pod of a template: its own verdict, with the object to change and what would fit. */
import { foresee } from '../../webhook/foresee/foresee.ts';
import type { Foreseen } from '../../webhook/foresee/foreseen.ts';
import { WEBHOOK_ENTRY } from '../../webhook/names.ts';
import { type Decoded, decodeRefusal, MISSING_VOLUME } from '../doctor/refusal.ts';
import type { Cluster } from '../kube/client.ts';
import { readNamespaceRules } from '../kube/namespace-rules.ts';
import { podOf, settingsOf } from './faults.ts';
import type { Workload } from './workload.ts';

export interface Explained extends Decoded {
  /** Waiting does not mend it. */
  readonly lasting: boolean;
}

/** A quota may have room again when other pods have ended. */
const LASTING = [
  /violates PodSecurity/,
  /failed quota: .*must specify/,
  new RegExp(`"${WEBHOOK_ENTRY}"`),
  MISSING_VOLUME,
];

export async function explainRefusal(
  cluster: Cluster,
  workload: Workload,
  message: string,
): Promise<Explained> {
  const decoded = decodeRefusal(message);
  const { reason } = decoded;
  const lasting = reason === 'LimitRangeExceeded' || LASTING.some((each) => each.test(message));
  // Of Pod Security the API server names each field itself.
  if (reason === undefined || reason === 'PodSecurityViolated') return { ...decoded, lasting };
  const found = (await foreseenOf(cluster, workload)).filter((each) => each.reason === reason);
  if (found.length === 0) return { ...decoded, lasting };
  return {
    ...decoded,
    cause: `${decoded.cause}\n${found.map((each) => `  ${each.message}`).join('\n')}`,
    fix: mendsOf(found),
    lasting: lasting || found.some((each) => each.lasting),
  };
}

/** For a user who may not ask the API server by creating a pod: what its objects say. */
export async function foreseenRefusal(cluster: Cluster, workload: Workload): Promise<Explained | undefined> {
  const found = await foreseenOf(cluster, workload);
  return found.length === 0
    ? undefined
    : {
        cause: found.map((each) => each.message).join('\n  '),
        fix: mendsOf(found),
        lasting: found.some((each) => each.lasting),
      };
}

async function foreseenOf(cluster: Cluster, workload: Workload): Promise<Foreseen[]> {
  const { namespace } = workload.metadata;
  return foresee(podOf(workload), await readNamespaceRules(cluster, namespace), settingsOf(namespace));
}

const mendsOf = (found: readonly Foreseen[]): string =>
  [...new Set(found.map((each) => each.mend))].join('; ');
