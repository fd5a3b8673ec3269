/** What is told of a pod's review to the pod's owner: a refused pod leaves no object that could tell it. Pure. */
import { createHash } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { REASONS } from './reasons.ts';
import type { Reason } from './reasons.ts';

/** At admission nobody has looked at these yet, and they become part of an Event's name, and of its path. */
const ownerSchema = z.object({
  apiVersion: z.string().min(1).max(253),
  kind: z.string().min(1).max(63),
  name: z
    .string()
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/),
  uid: z
    .string()
    .max(64)
    .regex(/^[-\w]+$/),
});
export type Owner = z.infer<typeof ownerSchema>;

export type Occurrence = {
  namespace: string;
  owner: Owner;
  /** The first of the codes; all of them are in the message. */
  reason: Reason;
  message: string;
};

/** As long as events.k8s.io/v1 lets a note be. */
const MAX_MESSAGE_LENGTH = 1024;

/**
 * Undefined where nobody is to be told: a dry run; a pod that asked for nothing; one without a controller, which has
 * no uid yet, and whose author gets the answer.
 */
export function occurrenceOf(
  pod: V1Pod,
  { namespace, dryRun, reasons, message }: Reported,
): Occurrence | undefined {
  const [reason] = reasons;
  const owner = ownerSchema.safeParse(pod.metadata?.ownerReferences?.find((each) => each.controller));
  if (dryRun || !reason || REASONS[reason].outcome === 'untouched' || !owner.success) return undefined;
  return { namespace, owner: owner.data, reason, message: shortened(message) };
}
type Reported = { namespace: string; dryRun: boolean; reasons: readonly Reason[]; message: string };

export const isRefusal = ({ reason }: Occurrence): boolean => REASONS[reason].outcome === 'refused';

/** The same for every replica of the webhook, so that they write one Event and not one each. */
export function eventNameOf({ owner, reason }: Occurrence): string {
  const hash = createHash('sha256').update(`${owner.uid} ${reason}`).digest('hex').slice(0, 16);
  return `${owner.name.slice(0, 200).replace(/[-.]+$/, '')}.${hash}`;
}

/** The codes at its end stay. */
function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE_LENGTH) return message;
  const codes = /…? \[[^[\]]*\]$/.exec(message)?.[0].slice(0, 200) ?? '';
  return `${message.slice(0, MAX_MESSAGE_LENGTH - codes.length - 1)}…${codes}`;
}
