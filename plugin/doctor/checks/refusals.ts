import type { CoreV1Event } from '@kubernetes/client-node';
import { REASONS } from '../../../webhook/reasons.ts';
import { defineCheck } from '../check.ts';
import { isCreator, lastTimeMs } from '../event-words.ts';

const MINUTE_MS = 60_000;
/** Controllers try again every quarter of an hour at least: who has been silent for longer has given up, or got its pods. */
const RECENT_MS = 20 * MINUTE_MS;
const SHOWN = 5;

export const refusalChecks = [
  defineCheck({
    code: 'MCP407',
    category: 'injection',
    title: 'the webhook has refused no other owner’s pods of late',
    severity: 'warning',
    about:
      'Jobs, ReplicaSets without a Deployment, and owners of other kinds whose pods the webhook refused in the last twenty minutes, by its own Events and their codes. Deployments, StatefulSets and DaemonSets are MCP404.',
    remedy:
      'Mend the annotations of the pod template as the message says. A Job’s template cannot be changed: delete it and create it anew.',
    needs: ['refusals'],
    uses: ['workloads'],
    run: ({ refusals, workloads = [] }, { nowMs }) => {
      const recent = refusals.filter(
        (event) =>
          nowMs - lastTimeMs(event) < RECENT_MS &&
          !workloads.some((each) => isCreator(each, event.involvedObject, event.metadata.namespace)),
      );
      const byReason = Map.groupBy(recent, ({ reason = '' }) => reason);
      return [...byReason].map(([reason, events]) => ({
        title: `${events.length === 1 ? 'an owner is' : `${events.length} owners are`} refused pods: ${reason}`,
        cause: [
          ...events.slice(0, SHOWN).map((event) => told(event, nowMs)),
          ...(events.length > SHOWN ? [`and ${events.length - SHOWN} more`] : []),
        ],
        fix: mendOf(reason),
      }));
    },
  }),
];

function told(event: CoreV1Event, nowMs: number): string {
  const { kind = '', name } = event.involvedObject;
  const minutes = Math.max(0, Math.floor((nowMs - lastTimeMs(event)) / MINUTE_MS));
  const times = event.count === undefined || event.count < 2 ? '' : `, ${event.count} times`;
  return `${kind.toLowerCase()}/${name} in namespace ${event.metadata.namespace}: ${event.message} (${minutes} min ago${times})`;
}

function mendOf(reason: string): string {
  const row = Object.hasOwn(REASONS, reason) ? REASONS[reason as keyof typeof REASONS] : undefined;
  return row && 'mend' in row ? row.mend : 'mend the annotations of the pod template as the message says';
}
