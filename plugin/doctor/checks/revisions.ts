import type { V1MutatingWebhookConfiguration } from '@kubernetes/client-node';
import { REVISION_LABEL, WEBHOOK_ENTRY } from '../../../webhook/names.ts';
import { selectorMatches } from '../../enable/workload.ts';
import { defineCheck, type Finding } from '../check.ts';
import type { Revisions } from '../revisions.ts';

const INSTALL = 'kubectl mcp install';

export const revisionChecks = [
  defineCheck({
    code: 'MCP104',
    category: 'webhook',
    title: 'of several webhooks of ours, one is asked about each namespace',
    severity: 'error',
    about:
      'Revisions share the namespaces out by the label `kubectl-mcp.dev/revision`. Two that are asked about one make its pods by turns, none leaves them without a proxy; a revision that is not installed leaves the namespace to the default.',
    remedy: `\`${INSTALL}\` writes anew which namespaces the default leaves to the revisions that are there.`,
    needs: ['revisions'],
    after: ['MCP101'],
    run: ({ revisions }) => [...shared(revisions), ...nobodys(revisions), ...unknown(revisions)],
  }),
];

const matching = ({ configurations }: Revisions, labels: Readonly<Record<string, string>>): string[] =>
  configurations.filter((each) => isAsked(each, labels)).map((each) => each.metadata?.name ?? '');

const isAsked = (
  { webhooks = [] }: V1MutatingWebhookConfiguration,
  labels: Readonly<Record<string, string>>,
): boolean =>
  webhooks.some(
    ({ name, namespaceSelector }) => name === WEBHOOK_ENTRY && selectorMatches(namespaceSelector, labels),
  );

function shared(revisions: Revisions): Finding[] {
  const found = revisions.namespaces
    .map(({ name, labels }) => ({ name, by: matching(revisions, labels) }))
    .filter(({ by }) => by.length > 1);
  return Object.entries(Object.groupBy(found, ({ by }) => by.join(' and '))).map(([by, namespaces = []]) => ({
    title: `${by} are asked about the same pods`,
    cause: [`those of namespaces ${shortened(namespaces.map(({ name }) => name))}`],
    fix: `${INSTALL}; where one of them is a copy: kubectl delete mutatingwebhookconfiguration NAME`,
  }));
}

const nobodys = (revisions: Revisions): Finding[] =>
  revisions.namespaces
    .filter(({ labels }) => labels[REVISION_LABEL] !== undefined && matching(revisions, labels).length === 0)
    .map(({ name }) => ({
      title: `no webhook is asked about pods of namespace ${name}`,
      cause: ['annotated pods start there without the proxy'],
      fix: INSTALL,
    }));

function unknown({ configurations, namespaces }: Revisions): Finding[] {
  const installed = configurations.map(({ metadata }) => metadata?.labels?.[REVISION_LABEL]);
  return namespaces
    .map(({ name, labels }) => ({ name, revision: labels[REVISION_LABEL] }))
    .filter(({ revision }) => revision !== undefined && !installed.includes(revision))
    .map(({ name, revision }) => ({
      title: `namespace ${name} asks for revision ${revision}, which is not installed`,
      cause: ['the default webhook is asked about its pods'],
      fix: `kubectl label namespace ${name} ${REVISION_LABEL}-, or ${INSTALL} --revision ${revision}`,
      severity: 'warning' as const,
    }));
}

const MOST = 5;
const shortened = (names: readonly string[]): string =>
  names.length > MOST
    ? `${names.slice(0, MOST).join(', ')} and ${names.length - MOST} more`
    : names.join(', ');
