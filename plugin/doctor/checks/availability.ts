import type { V1Deployment } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, WEBHOOK_NAME } from '../../../webhook/names.ts';
import { selectorMatches } from '../../enable/workload.ts';
import { defineCheck } from '../check.ts';

const INSTALL = 'kubectl mcp install';
const there = `in namespace ${INSTALL_NAMESPACE}`;

export const availabilityChecks = [
  defineCheck({
    code: 'MCP103',
    category: 'webhook',
    title: 'the webhook stays when a pod or a node goes',
    severity: 'warning',
    about:
      'Annotated pods are refused while no replica is ready. Two that stand apart, and a PodDisruptionBudget, leave one while the other is replaced, drained or lost.',
    remedy: `Run \`${INSTALL}\`, or put back in your own manifests what differs from those shipped. Where a replica is not available: \`kubectl describe pods -n ${INSTALL_NAMESPACE}\`.`,
    needs: ['webhookDeployment', 'webhookBudgets'],
    after: ['MCP101'],
    causedBy: ['MCP102'],
    run: ({ webhookDeployment: deployment, webhookBudgets }) => {
      if (!deployment) {
        const title = `there is no Deployment ${WEBHOOK_NAME} ${there}`;
        return [{ title, fix: INSTALL, severity: 'error' }];
      }
      const { replicas = 1, template } = deployment.spec ?? {};
      const available = deployment.status?.availableReplicas ?? 0;
      const labels = template?.metadata?.labels ?? {};
      const cause = [
        ...(replicas < 2 ? [`it has ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}, not two`] : []),
        ...(webhookBudgets.some((each) => selectorMatches(each.spec?.selector, labels))
          ? []
          : ['no PodDisruptionBudget selects its pods: a drain may take all of them']),
        ...(replicas < 2 || isSpread(deployment)
          ? []
          : ['nothing keeps its pods apart: all may be on one node']),
      ];
      return [
        ...(available < replicas
          ? [
              {
                title: `${available} of ${replicas} replicas of deployment/${WEBHOOK_NAME} ${there} are available`,
                fix: `kubectl describe pods -n ${INSTALL_NAMESPACE} -l app.kubernetes.io/component=webhook`,
              },
            ]
          : []),
        ...(cause.length > 0
          ? [{ title: `deployment/${WEBHOOK_NAME} ${there} can be away as a whole`, cause, fix: INSTALL }]
          : []),
      ];
    },
  }),
];

function isSpread({ spec }: V1Deployment): boolean {
  const { topologySpreadConstraints = [], affinity } = spec?.template.spec ?? {};
  return topologySpreadConstraints.length > 0 || affinity?.podAntiAffinity !== undefined;
}
