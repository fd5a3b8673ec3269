/** Annotations that stand on a workload, where only those of its pod template count. Pure. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { ANNOTATIONS } from './annotations.ts';
import { PREFIX } from './names.ts';
import { podIn } from './pod-in-object.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';

type Annotations = Record<string, string>;
type Holder = KubernetesObject & {
  spec?: { jobTemplate?: { metadata?: { annotations?: Annotations } } };
};
export type Change = { object: KubernetesObject; old?: KubernetesObject | undefined };

/** Refused where this change writes them; what was there before is a warning, so that it holds up nothing else. */
export function misplaced({ object, old }: Change): { refusals: Refusal[]; warnings: string[] } {
  const beside = besideTemplate(object);
  const template = podIn(object)?.metadata?.annotations ?? {};
  const lost = Object.keys(beside).filter((key) => template[key] === undefined);
  const before = old ? besideTemplate(old) : {};
  const differing = Object.keys(beside)
    .filter((key) => template[key] !== undefined && template[key] !== beside[key])
    .map(
      (key) => `${key} on the ${object.kind} has no effect: its pod template says ${quoted(template[key])}`,
    );
  if (lost.length === 0) return { refusals: [], warnings: differing };
  const [are, them] = lost.length === 1 ? ['counts', 'it'] : ['count', 'them'];
  const refusal = refuse(
    'AnnotationOnOwner',
    lost.map((key) => key.slice(PREFIX.length)).join(`, ${PREFIX}`),
    undefined,
    `${are} on the pod template alone, and not on the ${object.kind}`,
    mendOf({ object, old }, lost, them),
  );
  const isNew = !old || lost.some((key) => before[key] !== beside[key]);
  if (isNew) return { refusals: [refusal], warnings: differing };
  return {
    refusals: [],
    warnings: [`${refusal.annotation} ${refusal.message}; ${refusal.mend}`, ...differing],
  };
}

/** Keys of ours that would mean something on a template; marks that the plugin leaves are not among them. */
function besideTemplate(object: KubernetesObject): Annotations {
  const { spec } = object as Holder;
  const all = { ...spec?.jobTemplate?.metadata?.annotations, ...object.metadata?.annotations };
  return Object.fromEntries(Object.entries(all).filter(([key]) => isOfTemplates(key)));
}

/** Of the whole pod, or of one server: `NAME.port`. */
const isOfTemplates = (key: string): boolean =>
  key.startsWith(PREFIX) && Object.hasOwn(ANNOTATIONS, key.slice(PREFIX.length).replace(/^.*\./, ''));

/** Longer ones nobody copies. */
const MAX_PATCH_CHARS = 4_000;

/** A Job's template stays as it was made. An object that is being made is not there to be patched. */
function mendOf({ object, old }: Change, keys: string[], them: string): string {
  const { kind = '', metadata: { name = '', namespace = '' } = {} } = object;
  const patch = inShell(JSON.stringify(patchOf(object, keys)));
  if (old && kind === 'Job') return `write ${them} there in its manifest, and make the Job anew`;
  if (patch.length > MAX_PATCH_CHARS) {
    return `move ${them} to spec.${kind === 'CronJob' ? 'jobTemplate.spec.' : ''}template.metadata.annotations`;
  }
  const options = `--type merge -p ${patch}`;
  return old
    ? `move ${them} there:\nkubectl patch ${kind.toLowerCase()} ${name} -n ${namespace} ${options}\n`
    : `move ${them} there, with FILE for the manifest of this object alone:\n` +
        `kubectl patch --local -f FILE ${options} -o yaml | kubectl apply -n ${namespace} -f -\n`;
}

function patchOf(object: KubernetesObject, keys: string[]): object {
  const { metadata, spec } = object as Holder;
  const values = besideTemplate(object);
  const moved = Object.fromEntries(keys.map((key) => [key, values[key]]));
  const without = (holder?: { annotations?: Annotations }) => {
    const found = keys.filter((key) => holder?.annotations?.[key] !== undefined);
    return (
      found.length > 0 && { metadata: { annotations: Object.fromEntries(found.map((key) => [key, null])) } }
    );
  };
  const template = { spec: { template: { metadata: { annotations: moved } } } };
  return {
    ...without(metadata),
    ...(spec?.jobTemplate
      ? { spec: { jobTemplate: { ...without(spec.jobTemplate.metadata), ...template } } }
      : template),
  };
}

const quoted = (text = ''): string => JSON.stringify(text.slice(0, 80));
const inShell = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
