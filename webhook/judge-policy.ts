/** Whether a ConfigMap that is labelled as a policy is one. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { POLICY_KEY, readPolicy } from '../sidecar/filter/read-policy.ts';
import { compileRule } from '../sidecar/filter/rules.ts';
import { POLICY_LABEL } from './names.ts';
import type { Verdict } from './judge-workload.ts';

const SHOWN = 10;

export function judgePolicy(object: V1ConfigMap, old?: V1ConfigMap): Verdict {
  const faults = isPolicy(object) && !isSame(object, old) ? faultsOf(object) : [];
  if (faults.length === 0) return { reasons: [], warnings: [] };
  const more = faults.length > SHOWN ? [`and ${faults.length - SHOWN} more`] : [];
  return {
    reasons: ['PolicyInvalid'],
    refusal: `${[...faults.slice(0, SHOWN), ...more].join('; ')}; mend it, for proxies would stay with the policy before, and new ones answer no call`,
    warnings: [],
  };
}

/** As in manifests/install.yaml: any other value than "false". */
const isPolicy = ({ metadata }: V1ConfigMap): boolean =>
  ![undefined, 'false'].includes(metadata?.labels?.[POLICY_LABEL]);

const isSame = (object: V1ConfigMap, old: V1ConfigMap | undefined): boolean =>
  old !== undefined && isPolicy(old) && isDeepStrictEqual(textOf(object), textOf(old));

function faultsOf(object: V1ConfigMap): string[] {
  const text = textOf(object);
  if (text === undefined) return [`holds no ${POLICY_KEY}`];
  const read = readPolicy(text, compileRule);
  return 'faults' in read ? read.faults.map((each) => `${POLICY_KEY}: ${each}`) : [];
}

const textOf = ({ data, binaryData }: V1ConfigMap): string | undefined =>
  data?.[POLICY_KEY] ??
  (binaryData?.[POLICY_KEY] && Buffer.from(binaryData[POLICY_KEY], 'base64').toString('utf8'));
