import {
  INSTALL_NAMESPACE,
  POLICIES_ENTRY,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_ENTRY,
  WEBHOOK_NAME,
  WORKLOADS_ENTRY,
} from '../../../webhook/names.ts';
import { defineCheck, type Finding } from '../check.ts';
import { decodeRefusal } from '../refusal.ts';

const INSTALL = 'kubectl mcp install';
const EARLY_ENTRIES = [WORKLOADS_ENTRY, POLICIES_ENTRY];
const logs = `kubectl logs -n ${INSTALL_NAMESPACE} deploy/${WEBHOOK_NAME}`;

export const webhookChecks = [
  defineCheck({
    code: 'MCP101',
    category: 'webhook',
    title: `the webhook configurations ${WEBHOOK_CONFIGURATION} exist`,
    severity: 'error',
    about:
      'Without the MutatingWebhookConfiguration the API server asks nobody about annotated pods: they start without the proxy, and with no authentication. Without the ValidatingWebhookConfiguration (a warning) nobody is told of a wrong template before its pods are refused.',
    remedy: `Run \`${INSTALL}\`, then \`kubectl rollout restart\` the workloads that started meanwhile (MCP401 lists them).`,
    needs: ['configuration'],
    uses: ['earlyWord'],
    run: ({ configuration, earlyWord }) => [
      ...lacking('MutatingWebhookConfiguration', configuration, [WEBHOOK_ENTRY]),
      ...(configuration && earlyWord !== undefined
        ? lacking('ValidatingWebhookConfiguration', earlyWord, EARLY_ENTRIES).map((each) => ({
            ...each,
            severity: 'warning' as const,
          }))
        : []),
    ],
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
    uses: ['earlyWord'],
    after: ['MCP101'],
    run: ({ configuration, earlyWord }) => {
      const webhook = configuration?.webhooks?.find((each) => each.name === WEBHOOK_ENTRY);
      const early = earlyWord?.webhooks ?? [];
      const cause = [
        ...(webhook?.failurePolicy === 'Ignore'
          ? ['failurePolicy is Ignore: pods start unprotected while the webhook is away']
          : []),
        ...(webhook?.matchConditions?.length
          ? []
          : ['there is no matchCondition: pods without our annotations depend on it']),
        ...early.flatMap(({ name, failurePolicy, matchConditions }) => [
          ...(failurePolicy === 'Ignore'
            ? []
            : [
                `failurePolicy of ${name} is not Ignore: nobody can change workloads while the webhook is away`,
              ]),
          ...(matchConditions?.length
            ? []
            : [
                `there is no matchCondition of ${name}: it is asked about what is not ours, or about scaling`,
              ]),
        ]),
        ...[webhook, ...early].flatMap((each) => {
          const { name, namespace } = each?.clientConfig.service ?? {};
          return name === undefined || (name === WEBHOOK_NAME && namespace === INSTALL_NAMESPACE)
            ? []
            : [`${each!.name} leads to service/${name} in namespace ${namespace}`];
        }),
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

type Configuration = { readonly webhooks?: readonly { readonly name: string }[] } | null;

function lacking(kind: string, found: Configuration, entries: readonly string[]): Finding[] {
  const name = `${kind} ${WEBHOOK_CONFIGURATION}`;
  if (!found) return [{ title: `there is no ${name}`, fix: INSTALL }];
  return entries
    .filter((entry) => !found.webhooks?.some((each) => each.name === entry))
    .map((entry) => ({ title: `${name} does not hold the webhook ${entry}`, fix: INSTALL }));
}
