/** Faults of what annotations name, as findings. Pure. */
import { PREFIX } from '../../webhook/names.ts';
import { type FaultKind, sourceFaults } from '../sources/faults.ts';
import { type NamedSource, sourceKey, sourcesOf } from '../sources/named.ts';
import type { Context, Finding } from './check.ts';
import { placed, servicesOf } from './served.ts';
import type { Values } from './snapshot.ts';

type Seen = Pick<Values, 'workloads'> & Partial<Pick<Values, 'services' | 'secrets' | 'configMaps'>>;

export const findingsOf = (
  { workloads, services = [], secrets = {}, configMaps = {} }: Seen,
  { nowMs }: Context,
  kinds: readonly FaultKind[],
  of: NamedSource['kind'],
): Finding[] =>
  workloads.flatMap((workload) => {
    const { template } = workload.spec;
    const { namespace } = workload.metadata;
    const context = {
      namespace,
      nowMs,
      services: servicesOf(workload, services),
    };
    return sourcesOf(template)
      .filter((each) => each.kind === of)
      .flatMap((source) => {
        const facts = (of === 'Secret' ? secrets : configMaps)[sourceKey(source, namespace)];
        const faults =
          facts === undefined ? [] : sourceFaults(source, facts, { ...context, publicUrl: source.publicUrl });
        return faults
          .filter((each) => kinds.includes(each.kind))
          .map(({ title, severity, cause = [], fix }) => ({
            title,
            severity,
            cause: [...cause, `${placed(workload)} names it in ${PREFIX}${source.written}`],
            fix,
          }));
      });
  });
