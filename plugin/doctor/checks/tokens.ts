import { PREFIX } from '../../../webhook/names.ts';
import { sourceKey, sourcesOf } from '../../sources/named.ts';
import type { TokenFacts } from '../../sources/token-facts.ts';
import { formatAge } from '../../print/age.ts';
import { type Context, defineCheck, type Finding } from '../check.ts';
import { asArgument, placed } from '../served.ts';
import type { Values } from '../snapshot.ts';

const WARN_MS = 7 * 86_400_000;

type Seen = Pick<Values, 'workloads' | 'secrets'>;

/** A finding for each token of which `judge` has something to say. */
const findingsOf = (
  { workloads, secrets }: Seen,
  judge: (facts: TokenFacts, all: readonly TokenFacts[]) => string | undefined,
): Finding[] =>
  workloads.flatMap((workload) =>
    sourcesOf(workload.spec.template)
      .filter(({ key }) => key === 'token-secret')
      .flatMap((source) => {
        const { namespace } = workload.metadata;
        const tokens = secrets[sourceKey(source, namespace)]?.tokens ?? [];
        return tokens.flatMap((facts) => {
          const words = judge(facts, tokens);
          if (words === undefined) return [];
          return [
            {
              title: `Secret ${source.name} in namespace ${namespace}: the token of "${facts.caller}" ${words}`,
              cause: [
                `its id is ${facts.id}; ${placed(workload)} names the Secret in ${PREFIX}${source.written}`,
              ],
              fix: `kubectl mcp token rotate ${asArgument(workload)} ${facts.caller}`,
            },
          ];
        });
      }),
  );

/** The newest of a caller alone: the others were replaced, and end as they should. */
const isReplaced = (
  { caller, id, expiresAtMs = Infinity }: TokenFacts,
  all: readonly TokenFacts[],
): boolean =>
  all.some(
    (each) => each.caller === caller && each.id !== id && (each.expiresAtMs ?? Infinity) > expiresAtMs,
  );

export const tokenChecks = [
  defineCheck({
    code: 'MCP740',
    category: 'auth',
    title: 'tokens of callers are good for another week',
    severity: 'warning',
    about:
      'A token in the Secret of `token-secret` has expired, or does within seven days: then its caller gets 401. Of a caller with several, the one that is good for longest counts.',
    remedy:
      '`kubectl mcp token rotate NAME CALLER` makes a new one, and keeps the old one good for an hour. `kubectl mcp token revoke` removes what nobody needs.',
    needs: ['workloads', 'secrets'],
    run: (seen, { nowMs }: Context) =>
      findingsOf(seen, (facts, all) => {
        const { expiresAtMs } = facts;
        if (expiresAtMs === undefined || expiresAtMs - nowMs > WARN_MS || isReplaced(facts, all))
          return undefined;
        return expiresAtMs <= nowMs
          ? `has expired, ${formatAge(new Date(expiresAtMs), nowMs)} ago`
          : `expires in ${formatAge(new Date(2 * nowMs - expiresAtMs), nowMs)}`;
      }),
  }),
  defineCheck({
    code: 'MCP741',
    category: 'auth',
    title: 'tokens of callers cannot be guessed',
    severity: 'warning',
    about:
      'A token that somebody made up is short, has few different characters, or is one of ours that was cut when it was copied. Tokens that are stored as digests cannot be judged.',
    remedy: 'Have one made: `kubectl mcp token rotate NAME CALLER`. 43 random characters cannot be guessed.',
    needs: ['workloads', 'secrets'],
    run: (seen) => findingsOf(seen, ({ weakness }) => weakness),
  }),
];
