import { globMatcher } from '../../../sidecar/glob.ts';
import { type InjectionRequest, writtenKey } from '../../../webhook/request.ts';
import { serverTitle } from '../../../webhook/names.ts';
import { parseAnnotations } from '../../../webhook/parse-annotations.ts';
import type { Workload } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import { changeCommand, placed, podKey, podsOf } from '../served.ts';
import type { ToolState, Values } from '../snapshot.ts';

export const filterChecks = [
  defineCheck({
    code: 'MCP705',
    category: 'filter',
    title: 'the filter leaves tools, and each of its rules matches one',
    severity: 'warning',
    about:
      'Callers see no tool at all, or a pattern in `allow-tools`, `deny-tools` or the policy file matches none of the server’s tools: most often a typing error. A pattern that matches nothing denies nothing.',
    remedy: 'Compare the patterns with `kubectl mcp tools NAME`; `*` and `?` match, and case counts.',
    needs: ['workloads', 'pods', 'health'],
    uses: ['configMaps'],
    // A server that does not answer has told no tools.
    after: ['MCP601'],
    run: ({ workloads, pods, health, configMaps }) =>
      workloads.flatMap((workload) => {
        const parsed = parseAnnotations(workload.spec.template.metadata?.annotations);
        return ('servers' in parsed ? parsed.servers : []).flatMap((request) => {
          const tools = toolsOf(workload, request, { pods, health });
          return tools && tools.length > 0
            ? [
                ...nothingLeft(workload, request, tools),
                ...idleRules(workload, request, tools),
                ...idlePatterns(workload, request, { tools, configMaps }),
              ]
            : [];
        });
      }),
  }),
];

/** As the first connected proxy of the workload tells them; undefined: none does. */
function toolsOf(
  workload: Workload,
  { server: named }: InjectionRequest,
  { pods, health }: Pick<Values, 'pods' | 'health'>,
): readonly ToolState[] | undefined {
  for (const pod of podsOf(workload, pods)) {
    const read = health[podKey(pod)];
    const servers = read && 'health' in read ? read.health.servers : [];
    const own = servers.filter(({ name }) => !named || name.endsWith(serverTitle('', named.name)));
    const server = own.find((each) => each.connected);
    if (server?.tools) return server.tools;
  }
  return undefined;
}

const nothingLeft = (workload: Workload, request: InjectionRequest, tools: readonly ToolState[]): Finding[] =>
  tools.some((each) => each.allowed)
    ? []
    : [
        {
          title: `${placed(workload)}: the filter leaves none of ${tools.length} tools`,
          cause: [...rulesOf(request), ...(request.policy ? [`policy: ConfigMap ${request.policy}`] : [])],
          fix: changeCommand(workload, request, 'with other --allow-tools, --deny-tools or --mode'),
        },
      ];

const idleRules = (workload: Workload, request: InjectionRequest, tools: readonly ToolState[]): Finding[] =>
  (['allow-tools', 'deny-tools'] as const).flatMap((key) =>
    (request[key] ?? [])
      .filter((glob) => !tools.some(({ name }) => globMatcher(glob)(name)))
      .map((glob) => ({
        title: `${placed(workload)}: "${glob}" in ${writtenKey(request, key)} matches no tool`,
        cause: [`the server has: ${shortList(tools.map((each) => each.name))}`],
        fix: changeCommand(workload, request, `--${key} …`),
      })),
  );

/** Of the policy file. */
function idlePatterns(
  workload: Workload,
  request: InjectionRequest,
  { tools, configMaps }: { tools: readonly ToolState[]; configMaps: Values['configMaps'] | undefined },
): Finding[] {
  const { namespace } = workload.metadata;
  const name = request.policy;
  const facts = name && configMaps?.[`policy ${namespace}/${name}`];
  return ((facts && facts.toolPatterns) || [])
    .filter(({ glob }) => !tools.some((each) => globMatcher(glob)(each.name)))
    .map(({ where, glob }) => ({
      title: `${placed(workload)}: "${glob}" in ${where} of ConfigMap ${name} matches no tool`,
      cause: [`the server has: ${shortList(tools.map((each) => each.name))}`],
      fix: `kubectl edit configmap ${name} -n ${namespace}`,
    }));
}

const rulesOf = (request: InjectionRequest): string[] =>
  (['allow-tools', 'deny-tools', 'mode'] as const).flatMap((key) => {
    const value = request[key];
    return value === undefined || value === 'all' ? [] : [`${writtenKey(request, key)}: ${String(value)}`];
  });

const SHOWN = 8;
const shortList = (names: readonly string[]): string =>
  names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? `, … (${names.length})` : '');
