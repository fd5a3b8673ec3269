/** What LimitRanges and quotas of the namespace will do to pods of a template, for who applies it. */
import type { V1LimitRange, V1ResourceQuota } from '@kubernetes/client-node';
import type { Api } from './api.ts';
import { foresee } from './foresee/foresee.ts';
import { foreseenText } from './foresee/foreseen.ts';
import type { Log } from './log.ts';
import type { ReviewSettings } from './review.ts';
import type { Judgement } from './validate.ts';

/** Who applies waits for it, and the word itself must not be lost over it. */
const DEADLINE_MS = 1_000;
/** Of the template nothing is kept. */
const NO_DRAIN = 'of-a-template-whose-pods-get-their-own';

type Parts = { api: Pick<Api, 'get'>; settings: ReviewSettings; log: Log; deadlineMs?: number };

/**
 * Warnings alone: what was read may have changed when the pods come. Pod Security is not among them, of which the API
 * server itself warns at templates. What cannot be read in time is not foreseen.
 */
export function createForesight({ api, settings, log, deadlineMs = DEADLINE_MS }: Parts) {
  const list = async <T>(resource: string, namespace: string): Promise<{ items: T[] }> =>
    api.get(`/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`);
  return async ({ pod, namespace, pods }: NonNullable<Judgement['asked']>): Promise<string[]> => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
    try {
      const [limitRanges, quotas] = await Promise.race([
        late,
        Promise.all([
          list<V1LimitRange>('limitranges', namespace),
          list<V1ResourceQuota>('resourcequotas', namespace),
        ]),
      ]);
      const rules = { name: namespace, limitRanges: limitRanges.items, quotas: quotas.items };
      return foresee(pod, rules, { ...settings, namespace, drainRandom: NO_DRAIN }, pods).map(foreseenText);
    } catch (error) {
      log('error', 'nothing was foreseen', { namespace, detail: (error as Error).message });
      return [];
    } finally {
      clearTimeout(timer);
    }
  };
}
