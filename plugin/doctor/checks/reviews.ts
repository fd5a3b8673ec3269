import { defineCheck } from '../check.ts';
import { podName, toldServers } from '../served.ts';

/** By the words of sidecar/auth/token-reviews.ts: what is lacking, and the command that gives it. */
const LACKING = /^(.* may not have tokens reviewed): (kubectl .*)$/;

export const isOfReviews = (problem: string): boolean => LACKING.test(problem);

export const reviewChecks = [
  defineCheck({
    code: 'MCP706',
    category: 'auth',
    title: 'the proxies may have tokens reviewed',
    severity: 'error',
    about:
      "With `verify: tokenreview` the proxy asks the API server about each token of a service account. The pod's own service account may not ask: those callers get 503.",
    remedy:
      'Bind the cluster role `system:auth-delegator`, or one with `create` on `tokenreviews`, to the service account of the pod: the finding has the command. No restart is needed.',
    needs: ['pods', 'health'],
    run: (seen) =>
      toldServers(seen).flatMap(({ pod, server }) =>
        [...new Set([server.error, ...(server.problems ?? [])])].flatMap((problem) => {
          const [, words, command] = LACKING.exec(problem ?? '') ?? [];
          return words === undefined
            ? []
            : [
                {
                  title: `${podName(pod)}: ${words}`,
                  cause: ['every call with such a token gets 503'],
                  fix: command!,
                },
              ];
        }),
      ),
  }),
];
