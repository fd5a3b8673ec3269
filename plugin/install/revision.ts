/**
 * Several webhooks beside each other: each revision has all that is a webhook's alone under its own name, and is asked
 * about the namespaces that are labelled with it; the default is asked about all others. Pure.
 */
import type { KubernetesObject, V1LabelSelector, V1LabelSelectorRequirement } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, installNames, REVISION_LABEL, WEBHOOK_NAME } from '../../webhook/names.ts';
import { usageError } from '../errors.ts';

const COMPONENT = 'app.kubernetes.io/component';
/** `kubectl-mcp-webhook-NAME` is the name of a Service: 63 characters. */
const NAME = /^[a-z]([-a-z0-9]{0,41}[a-z0-9])?$/;

/** @throws {CliError} for what cannot be part of the names. */
export function checkRevision(revision: string): void {
  if (NAME.test(revision) && revision !== 'default') return;
  throw usageError(
    `invalid argument "${revision}" for "--revision" flag: must be lower case letters, digits and "-", begin with a letter, have 43 characters at most, and not be "default"`,
  );
}

/** What is shared with the default (namespace, quota, policies about namespaces) is not among them. */
export function revisionObjects(objects: readonly KubernetesObject[], revision: string): KubernetesObject[] {
  const old = installNames();
  const names = installNames(revision);
  const renamed = new Map([
    [old.webhook, names.webhook],
    [old.configuration, names.configuration],
  ]);
  return objects
    .filter((each) => renamed.has(each.metadata?.name ?? ''))
    .map((each) => rename(each, renamed, revision) as KubernetesObject)
    .map((each) => withRevisionVariable(labelled(each, revision), revision))
    .map((each) => selecting(each, [asking(revision)]));
}

/** The default's objects while these revisions are installed: their namespaces are not its own. */
export const defaultObjects = (
  objects: readonly KubernetesObject[],
  revisions: readonly string[],
): KubernetesObject[] => objects.map((each) => selecting(each, leaving(revisions)));

/** A configuration that is asked about nobody yet, so that its webhook can get ready behind it. */
export const asleep = (object: KubernetesObject, revision: string): KubernetesObject =>
  selecting(object, [asking(revision), ...leaving([revision])]);

/** Whether the namespaces of a revision's configuration are its own by now. */
export const isAwake = (object: KubernetesObject): boolean =>
  ((object as Configuration).webhooks ?? []).every((each) =>
    (each.namespaceSelector?.matchExpressions ?? []).every(
      ({ key, operator }) => key !== REVISION_LABEL || operator === 'In',
    ),
  );

export const isConfiguration = ({ kind }: KubernetesObject): boolean =>
  kind === 'MutatingWebhookConfiguration' || kind === 'ValidatingWebhookConfiguration';

type Configuration = KubernetesObject & { webhooks?: { namespaceSelector?: V1LabelSelector }[] };

const asking = (revision: string): V1LabelSelectorRequirement => ({
  key: REVISION_LABEL,
  operator: 'In',
  values: [revision],
});

/** A namespace that asks for one that is not installed is the default's: no pod is left without a webhook. */
const leaving = (revisions: readonly string[]): V1LabelSelectorRequirement[] =>
  revisions.length === 0 ? [] : [{ key: REVISION_LABEL, operator: 'NotIn', values: revisions.toSorted() }];

/** What was said of revisions before is replaced, all else of the selector stays. */
export function selecting<T extends KubernetesObject>(
  object: T,
  requirements: readonly V1LabelSelectorRequirement[],
): T {
  if (!isConfiguration(object)) return object;
  const webhooks = ((object as Configuration).webhooks ?? []).map((each) => {
    const { matchExpressions = [], ...rest } = each.namespaceSelector ?? {};
    const kept = matchExpressions.filter(({ key }) => key !== REVISION_LABEL);
    const expressions = [...kept, ...requirements];
    const selector = { ...rest, ...(expressions.length > 0 && { matchExpressions: expressions }) };
    return { ...each, namespaceSelector: selector };
  });
  return { ...object, webhooks };
}

const labelled = (object: KubernetesObject, revision: string): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata?.labels, [REVISION_LABEL]: revision } },
});

/** Where names stand, whatever the kind. */
const NAME_KEYS = ['name', 'policyName', 'serviceAccountName', 'resourceNames'];
const ACCOUNT = `system:serviceaccount:${INSTALL_NAMESPACE}:${WEBHOOK_NAME}`;

function rename(value: unknown, names: ReadonlyMap<string, string>, revision: string, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => rename(each, names, revision, key));
  if (typeof value === 'string') {
    if (NAME_KEYS.includes(key)) return names.get(value) ?? value;
    // Its own label: a Service or budget of one must not select the pods of the other.
    if (key === COMPONENT) return `${value}-${revision}`;
    return value.replaceAll(`'${ACCOUNT}'`, `'${ACCOUNT}-${revision}'`);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, rename(each, names, revision, name)]),
  );
}

/** The webhook learns its own names from it. */
function withRevisionVariable(object: KubernetesObject, revision: string): KubernetesObject {
  if (object.kind !== 'Deployment') return object;
  const copy = structuredClone(object) as KubernetesObject & {
    spec: { template: { spec: { containers: { env?: { name: string; value: string }[] }[] } } };
  };
  for (const container of copy.spec.template.spec.containers) {
    container.env = [...(container.env ?? []), { name: REVISION_ENV, value: revision }];
  }
  return copy;
}

export const REVISION_ENV = 'KUBECTL_MCP_REVISION';
