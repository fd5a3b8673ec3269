/** Looks at the Secrets and ConfigMaps that the new template names, before anything is changed. */
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden } from '../kube/errors.ts';
import { sourceFaults, type SourceFault } from '../sources/faults.ts';
import { sourcesOf } from '../sources/named.ts';
import { readSource } from '../sources/read.ts';
import type { Plan } from './change.ts';
import type { Surroundings } from './plan.ts';
import { serviceSelects, type Workload } from './workload.ts';

/**
 * @returns warnings.
 * @throws {CliError} with all that would keep pods from starting, or from doing what is asked. What the user may not
 * read holds nothing up.
 */
export async function checkSources(
  cluster: Cluster,
  { template: change, before }: Plan,
  { around, nowMs }: { around: Surroundings; nowMs: number },
): Promise<string[]> {
  const template = (change?.after as Workload | undefined)?.spec.template;
  const { namespace } = cluster;
  const context = {
    namespace,
    nowMs,
    services: around.services.filter((each) =>
      serviceSelects(each.spec?.selector, template?.metadata?.labels),
    ),
  };
  const made = (name: string): boolean => before.some((each) => each.after?.metadata?.name === name);
  const faults: SourceFault[] = [];
  for (const source of sourcesOf(template).filter((each) => !made(each.name))) {
    const facts = await readSource(cluster, source, namespace).catch((error: unknown) => {
      if (isForbidden(error)) return undefined;
      throw error;
    });
    if (facts === undefined) continue;
    const hint = source.key === 'token-secret' ? '\nor leave --token-secret out: then one is made' : '';
    const found = sourceFaults(source, facts, { ...context, publicUrl: source.publicUrl });
    faults.push(...found.map((each) => ({ ...each, fix: each.fix + hint })));
  }
  const errors = faults.filter((each) => each.severity === 'error');
  if (errors.length > 0) throw new CliError(errors.map(textOf).join('\n'));
  return faults.map(textOf);
}

const textOf = ({ title, cause = [], fix }: SourceFault): string =>
  [title, ...cause.map((each) => `  ${each}`), `Next: ${fix}`].join('\n');
