import { outdatedPods } from '../../upgrade/outdated.ts';
import { defineCheck } from '../check.ts';
import { asArgument, placed, podName, podsOf, wantedPods } from '../served.ts';

export const upgradeChecks = [
  defineCheck({
    code: 'MCP402',
    category: 'injection',
    title: 'proxies are those that the webhook would make now',
    severity: 'warning',
    about:
      'A proxy keeps image and configuration until its pod is replaced: this one was made by another version of the webhook, or from what has changed since. It serves on.',
    remedy:
      'When it suits: `kubectl mcp restart --outdated`, which renews one workload after the other. `--dry-run=client` shows which.',
    needs: ['workloads', 'pods', 'installed'],
    causedBy: ['MCP101'],
    run: ({ workloads, pods, installed }) => {
      const outdated = outdatedPods(wantedPods({ workloads, pods }), installed);
      const owned = workloads.flatMap((workload) => {
        const own = outdated.filter(({ pod }) => podsOf(workload, [pod]).length > 0);
        if (own.length === 0) return [];
        return [
          {
            title: `${placed(workload)}: ${own.length === 1 ? '1 proxy is' : `${own.length} proxies are`} outdated`,
            cause: [...new Set(own.flatMap(({ reasons }) => reasons))],
            fix: `kubectl mcp restart ${asArgument(workload)}`,
          },
        ];
      });
      const loose = outdated
        .filter(({ pod }) => !workloads.some((each) => podsOf(each, [pod]).length > 0))
        .map(({ pod, reasons }) => ({
          title: `${podName(pod)}: its proxy is outdated`,
          cause: reasons,
          fix: 'no rollout replaces it: delete the pod when it suits, and create it anew where nobody else does',
        }));
      return [...owned, ...loose];
    },
  }),
];
