import {
  INSTALL_NAMESPACE,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_ENTRY,
  WEBHOOK_NAME,
} from '../../../webhook/names.ts';
import { defineCheck } from '../check.ts';
import { decodeRefusal } from '../refusal.ts';

const INSTALL = 'kubectl mcp install';
const logs = `kubectl logs -n ${INSTALL_NAMESPACE} deploy/${WEBHOOK_NAME}`;

export const webhookChecks = [
  defineCheck({
    code: 'MCP101',
    category: 'webhook',
    title: `MutatingWebhookConfiguration ${WEBHOOK_CONFIGURATION} exists`,
    severity: 'error',
    about:
      'Without it the API server asks nobody about annotated pods: they start without the proxy, and with no authentication.',
    remedy: `Run \`${INSTALL}\`, then \`kubectl rollout restart\` the workloads that started meanwhile (MCP401 lists them).`,
    needs: ['configuration'],
    run: ({ configuration }) => {
      if (!configuration) {
        return [{ title: `there is no MutatingWebhookConfiguration ${WEBHOOK_CONFIGURATION}`, fix: INSTALL }];
      }
      if (configuration.webhooks?.some((each) => each.name === WEBHOOK_ENTRY)) return [];
      return [{ title: `it does not hold the webhook ${WEBHOOK_ENTRY}`, fix: INSTALL }];
    },
  }),
  defineCheck({
    code: 'MCP106',
    category: 'webhook',
    title: 'the webhook fails closed, and is asked about annotated pods alone',
    severity: 'warning',
    about:
      'With failurePolicy Ignore, pods start without the proxy while the webhook is away. Without the matchCondition, every pod of the cluster depends on the webhook.',
    remedy: `Run \`${INSTALL}\` to write the configuration as shipped, and keep other tools from changing it.`,
    needs: ['configuration'],
    after: ['MCP101'],
    run: ({ configuration }) => {
      const webhook = configuration?.webhooks?.find((each) => each.name === WEBHOOK_ENTRY);
      const cause = [
        ...(webhook?.failurePolicy === 'Ignore'
          ? ['failurePolicy is Ignore: pods start unprotected while the webhook is away']
          : []),
        ...(webhook?.matchConditions?.length
          ? []
          : ['there is no matchCondition: pods without our annotations depend on it']),
      ];
      return cause.length > 0
        ? [{ title: 'the webhook configuration was changed by hand', cause, fix: INSTALL }]
        : [];
    },
  }),
  defineCheck({
    code: 'MCP102',
    category: 'webhook',
    title: 'the webhook has a Service with ready endpoints',
    severity: 'error',
    about:
      'The API server finds nobody to ask: annotated pods are refused until the webhook is back. All others start.',
    remedy: `Look at the webhook's pods: \`kubectl get pods -n ${INSTALL_NAMESPACE}\` and \`${logs}\`.`,
    needs: ['webhookService', 'webhookEndpoints'],
    after: ['MCP101'],
    run: ({ webhookService, webhookEndpoints }) => {
      if (!webhookService) {
        return [
          { title: `there is no Service ${WEBHOOK_NAME} in namespace ${INSTALL_NAMESPACE}`, fix: INSTALL },
        ];
      }
      const all = webhookEndpoints.flatMap((each) => each.endpoints ?? []);
      if (all.some((each) => each.conditions?.ready !== false)) return [];
      return [
        {
          title: `service/${WEBHOOK_NAME} in namespace ${INSTALL_NAMESPACE} has no ready endpoint`,
          cause: [
            all.length === 0
              ? 'no pod of the webhook runs'
              : `${all.length} pods of the webhook are not ready`,
          ],
          fix: `kubectl get pods -n ${INSTALL_NAMESPACE}; ${logs}`,
        },
      ];
    },
  }),
  defineCheck({
    code: 'MCP109',
    category: 'webhook',
    title: 'an annotated pod, sent as a dry run, comes back injected',
    severity: 'error',
    about:
      'The whole way from the API server through the webhook and back was tried with a pod that is never created. It did not come back with the proxy.',
    remedy:
      'The message tells whether the webhook could not be reached, refused the pod, or was not asked (a namespaceSelector or matchCondition that was changed).',
    needs: ['canary'],
    after: ['MCP101'],
    causedBy: ['MCP102'],
    run: ({ canary }) => {
      if (canary.injected) return [];
      if (canary.refusal === undefined) {
        return [
          {
            title: 'the canary pod came back without the proxy: the webhook was not asked',
            cause: ['its namespace is excluded, or the webhook configuration was changed'],
            fix: INSTALL,
          },
        ];
      }
      const { cause, fix } = decodeRefusal(canary.refusal);
      return [{ title: 'the canary pod was refused', cause: [cause], fix }];
    },
  }),
];
