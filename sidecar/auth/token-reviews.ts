import type { Log } from '../log.ts';

/** What the API server says of a token: whose it is, or that it is nobody's any more. */
export type Reviewed = { readonly username: string; readonly groups: readonly string[] } | 'refused';

export interface TokenReviews {
  /** Rejects when the API server does not say yes or no. */
  review(token: string): Promise<Reviewed>;
  /** Why nobody can be asked about. */
  problem(): string | undefined;
  close(): void;
}

export interface TokenReviewsDeps {
  /** @throws when the API server does not answer with a review; `status` is that of another answer */
  readonly post: (path: string, body: object) => Promise<unknown>;
  /** The token that is asked with. */
  readonly ownToken: () => string;
  readonly log: Log;
}

export const REVIEW_PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

/**
 * Asks the API server about tokens (TokenReview of authentication.k8s.io/v1). While it does not answer, nobody is asked
 * about: the question whether it does is one of our own, so that callers do not wait for its timeout one by one.
 */
export function createTokenReviews(
  audience: string,
  { post, ownToken, log }: TokenReviewsDeps,
): TokenReviews {
  let problem: string | undefined = 'the API server has not been asked yet';
  let retryMs = FIRST_RETRY_MS;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  async function send(spec: object): Promise<Status> {
    try {
      const answer = await post(REVIEW_PATH, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec,
      });
      const { status } = (answer ?? {}) as { status?: Status };
      if (typeof status !== 'object' || status === null)
        throw new Error('the answer of the API server is no review');
      setProblem(undefined);
      return status;
    } catch (error) {
      setProblem(explain(error, ownToken));
      throw error;
    }
  }

  function setProblem(found: string | undefined): void {
    if (closed) return;
    if (found !== problem)
      log(
        found === undefined ? 'token_reviews_answered' : 'token_reviews_unanswered',
        found === undefined ? {} : { error: found },
      );
    problem = found;
    clearTimeout(retry);
    retryMs = found === undefined ? FIRST_RETRY_MS : Math.min(retryMs * 2, MAX_RETRY_MS);
    if (found !== undefined) retry = setTimeout(() => void probe(), retryMs).unref();
  }

  /** A question about ourselves tells whether questions are answered, before a caller comes. */
  const probe = (): Promise<void> =>
    Promise.resolve()
      .then(() => send({ token: ownToken() }))
      .then(
        () => undefined,
        (error: unknown) => setProblem(explain(error, ownToken)),
      );

  let starting: Promise<void> | undefined = probe().then(() => void (starting = undefined));
  return {
    async review(token) {
      await starting;
      if (problem !== undefined) throw new Error(problem);
      return reviewedOf(await send({ token, audiences: [audience] }), audience);
    },
    problem: () => problem,
    close() {
      closed = true;
      clearTimeout(retry);
    },
  };
}

interface Status {
  readonly authenticated?: unknown;
  readonly audiences?: unknown;
  readonly user?: { readonly username?: unknown; readonly groups?: unknown };
}

/** An authenticator that knows no audiences names none: it would take a token that was made for another. */
function reviewedOf({ authenticated, audiences, user }: Status, audience: string): Reviewed {
  if (authenticated !== true || !Array.isArray(audiences) || !audiences.includes(audience)) return 'refused';
  const { username, groups = [] } = user ?? {};
  if (typeof username !== 'string' || !Array.isArray(groups)) return 'refused';
  return { username, groups: groups.filter((each) => typeof each === 'string') };
}

/** What the pod's service account needs, as a command: `NAMESPACE` and `NAME` where they are not known. */
export const reviewsCommand = (namespace = 'NAMESPACE', account = 'SERVICEACCOUNT'): string =>
  `kubectl create clusterrolebinding mcp-token-reviews:${namespace}:${account} --clusterrole=system:auth-delegator --serviceaccount=${namespace}:${account}`;

function explain(error: unknown, ownToken: () => string): string {
  const { message, status } = error as Error & { status?: number };
  if (status !== 403) return `the API server reviews no tokens: ${message}`;
  const [namespace, account] = accountOf(ownToken);
  const who = account === undefined ? "the pod's service account" : `service account ${namespace}/${account}`;
  return `${who} may not have tokens reviewed: ${reviewsCommand(namespace, account)}`;
}

/** Of our own token, which the kubelet has given us. */
function accountOf(ownToken: () => string): readonly string[] {
  try {
    const { sub } = JSON.parse(Buffer.from(ownToken().split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      sub?: unknown;
    };
    return typeof sub === 'string'
      ? (/^system:serviceaccount:([^:]+):([^:]+)$/.exec(sub)?.slice(1) ?? [])
      : [];
  } catch {
    return [];
  }
}
