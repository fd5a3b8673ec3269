import type { Workload } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import { asArgument, placed, podKey, podsOf } from '../served.ts';
import type { Health, PodHealth, Values } from '../snapshot.ts';

type Server = Health['servers'][number];
type Drift = NonNullable<Server['pins']>['drift'][number];

export const pinsChecks = [
  defineCheck({
    code: 'MCP730',
    category: 'filter',
    title: 'tools are as they are pinned',
    severity: 'error',
    about:
      'Tools are defined otherwise than they are pinned, or are not pinned, and the image that was pinned runs: a server that changes its tools at run time, or a tag that was moved. They are neither listed nor called.',
    remedy:
      'Look at the difference with `kubectl mcp pin NAME --check`. If the server may do that, approve it with `--approve`; if nobody knows why, treat the server as hostile.',
    needs: ['workloads', 'pods', 'health'],
    after: ['MCP601'],
    run: (seen) =>
      driftOf(seen)
        .filter(({ pins }) => pins.same_image !== false)
        .map((each) =>
          findingOf(each, (one) => `${one ? 'differs' : 'differ'} from the pins, under the same image`),
        ),
  }),
  defineCheck({
    code: 'MCP731',
    category: 'filter',
    title: 'the tools of an updated image are approved',
    severity: 'warning',
    about:
      'Another image runs than the one that was pinned, and some of its tools are others. Until they are approved they are neither listed nor called; tools that are the same are.',
    remedy: 'Look at the difference, and approve it: `kubectl mcp pin NAME --approve`.',
    needs: ['workloads', 'pods', 'health'],
    after: ['MCP601'],
    run: (seen) =>
      driftOf(seen)
        .filter(({ pins }) => pins.same_image === false)
        .map((each) =>
          findingOf(each, (one) => `of another image ${one ? 'waits' : 'wait'} for an approval`),
        ),
  }),
  defineCheck({
    code: 'MCP732',
    category: 'filter',
    title: 'tools have no hidden characters and no look-alike names',
    severity: 'warning',
    about:
      'Definitions of tools hold characters that models read and people do not see, or names that look like others.',
    remedy:
      'Look at them with `kubectl mcp pin NAME --check -o json`, which tells each place, and ask whoever makes the server.',
    needs: ['workloads', 'pods', 'health'],
    after: ['MCP601'],
    run: ({ workloads, pods, health }) =>
      workloads.flatMap((workload) => {
        const flagged = healthsOf(workload, { pods, health }).find((each) => each.flagged)?.flagged ?? [];
        if (flagged.length === 0) return [];
        return [
          {
            title: `${placed(workload)}: ${count(new Set(flagged.map(({ tool }) => tool)).size)} with hidden or look-alike characters`,
            cause: shortened(
              flagged.map(({ tool, where, what }) => `tool ${JSON.stringify(tool)}: ${where} ${what}`),
            ),
            fix: `kubectl mcp pin ${asArgument(workload)} --check -o json`,
          },
        ];
      }),
  }),
];

type Seen = Pick<Values, 'workloads' | 'pods' | 'health'>;
interface Drifted {
  readonly workload: Workload;
  readonly name: string;
  readonly pins: NonNullable<Server['pins']>;
}

/** Of each server once, however many pods tell it. */
function driftOf({ workloads, pods, health }: Seen): Drifted[] {
  return workloads.flatMap((workload) => {
    const told = healthsOf(workload, { pods, health }).flatMap((each) => each.health.servers);
    const drifted = told.flatMap(({ name, pins }) =>
      pins && pins.drift.length > 0 ? [[name, { workload, name, pins }] as const] : [],
    );
    return [...new Map(drifted).values()];
  });
}

const healthsOf = (
  workload: Workload,
  { pods, health }: Pick<Values, 'pods' | 'health'>,
): Extract<PodHealth, { health: Health }>[] =>
  podsOf(workload, pods).flatMap((pod) => {
    const read = health[podKey(pod)];
    return read && 'health' in read ? [read] : [];
  });

const findingOf = ({ workload, name, pins }: Drifted, words: (one: boolean) => string): Finding => {
  const server = name.split('/')[1];
  const of = server === undefined ? '' : ` --mcp-server ${server}`;
  return {
    title: `${placed(workload)}: ${count(pins.drift.length)} ${words(pins.drift.length === 1)}`,
    cause: shortened(pins.drift.map(wordsOf)),
    fix: `kubectl mcp pin ${asArgument(workload)}${of} --check`,
  };
};

const wordsOf = ({ tool, what, from, fields }: Drift): string =>
  `${tool}: ${what}${from === undefined ? '' : ` from ${from}`}${fields?.length ? ` (${fields.join(', ')})` : ''}`;

const count = (tools: number): string => `${tools} ${tools === 1 ? 'tool' : 'tools'}`;

const SHOWN = 8;
const shortened = (lines: readonly string[]): string[] => [
  ...lines.slice(0, SHOWN),
  ...(lines.length > SHOWN ? [`and ${lines.length - SHOWN} more`] : []),
];
