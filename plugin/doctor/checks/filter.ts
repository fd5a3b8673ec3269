import { globMatcher } from '../../../sidecar/glob.ts';
import { annotationOf, type Workload } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import { asArgument, placed, podKey, podsOf } from '../served.ts';
import type { ToolState, Values } from '../snapshot.ts';

export const filterChecks = [
  defineCheck({
    code: 'MCP705',
    category: 'filter',
    title: 'the filter leaves tools, and each of its rules matches one',
    severity: 'warning',
    about:
      'Callers see no tool at all, or a pattern in `allow-tools` or `deny-tools` matches none of the server’s tools: most often a typing error. A `deny-tools` that matches nothing denies nothing.',
    remedy: 'Compare the patterns with `kubectl mcp tools NAME`; `*` and `?` match, and case counts.',
    needs: ['workloads', 'pods', 'health'],
    // A server that does not answer has told no tools.
    after: ['MCP601'],
    run: ({ workloads, pods, health }) =>
      workloads.flatMap((workload) => {
        const tools = toolsOf(workload, pods, health);
        return tools && tools.length > 0
          ? [...nothingLeft(workload, tools), ...idleRules(workload, tools)]
          : [];
      }),
  }),
];

/** As the first connected proxy of the workload tells them; undefined: none does. */
function toolsOf(
  workload: Workload,
  pods: Values['pods'],
  health: Values['health'],
): readonly ToolState[] | undefined {
  for (const pod of podsOf(workload, pods)) {
    const read = health[podKey(pod)];
    const server = read && 'health' in read ? read.health.servers.find((each) => each.connected) : undefined;
    if (server?.tools) return server.tools;
  }
  return undefined;
}

const nothingLeft = (workload: Workload, tools: readonly ToolState[]): Finding[] =>
  tools.some((each) => each.allowed)
    ? []
    : [
        {
          title: `${placed(workload)}: the filter leaves none of ${tools.length} tools`,
          cause: rulesOf(workload),
          fix: `kubectl mcp enable ${asArgument(workload)} with other --allow-tools, --deny-tools or --mode`,
        },
      ];

const idleRules = (workload: Workload, tools: readonly ToolState[]): Finding[] =>
  (['allow-tools', 'deny-tools'] as const).flatMap((key) =>
    (annotationOf(workload.spec.template, key) ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter((glob) => glob !== '' && !tools.some(({ name }) => globMatcher(glob)(name)))
      .map((glob) => ({
        title: `${placed(workload)}: "${glob}" in ${key} matches no tool`,
        cause: [`the server has: ${shortList(tools.map((each) => each.name))}`],
        fix: `kubectl mcp enable ${asArgument(workload)} --${key} …`,
      })),
  );

const rulesOf = ({ spec }: Workload): string[] =>
  (['allow-tools', 'deny-tools', 'mode'] as const).flatMap((key) => {
    const value = annotationOf(spec.template, key);
    return value === undefined ? [] : [`${key}: ${value}`];
  });

const SHOWN = 8;
const shortList = (names: readonly string[]): string =>
  names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? `, … (${names.length})` : '');
