import { Agent, request } from 'node:https';
import { readAccount } from '../auth/cluster-issuer.ts';
import type { AccessReview } from './attributes.ts';

/** @throws {UnansweredError} when the API server did not say yes or no */
export type AskApiServer = (review: AccessReview) => Promise<boolean>;

export interface ApiServer {
  readonly ask: AskApiServer;
  /** @returns what the API server made of `body`. @throws {UnansweredError} with the status of any other answer */
  post(path: string, body: object): Promise<unknown>;
  close(): void;
}

export class UnansweredError extends Error {
  /** The question is at fault, or was one too many; others may be answered. */
  readonly ofThis: boolean;
  /** Of the answer, where there was one. */
  readonly status: number | undefined;
  constructor(message: string, status?: number) {
    super(message);
    this.name = 'UnansweredError';
    this.status = status;
    this.ofThis = status !== undefined && [400, 413, 422, 429].includes(status);
  }
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;
/** The kubelet renews the token long before its end. */
const ACCOUNT_MS = 10_000;

interface Account {
  readonly token: string;
  readonly ca: string;
}

/**
 * Asks with the pod's own service account, over connections that are kept.
 * @param directory holds `token` and `ca.crt`
 */
export function createApiServer(
  { host, port }: { host: string; port: number },
  directory: string,
  maxSockets: number,
): ApiServer {
  let account: (Account & { readonly agent: Agent; readonly readAtMs: number }) | undefined;

  function currentAccount(): NonNullable<typeof account> {
    if (account && performance.now() - account.readAtMs < ACCOUNT_MS) return account;
    const read = readAccount(directory);
    const isSame = account?.ca === read.ca;
    if (!isSame) account?.agent.destroy();
    const agent =
      (isSame && account?.agent) ||
      new Agent({ keepAlive: true, maxSockets, maxFreeSockets: 1, ca: read.ca });
    account = { ...read, agent, readAtMs: performance.now() };
    return account;
  }

  function send(path: string, body: Buffer, { token, agent }: NonNullable<typeof account>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host,
          port,
          agent,
          method: 'POST',
          path,
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'application/json',
            'content-type': 'application/json',
            'content-length': body.length,
          },
          // From the start to the end, however slowly it drips.
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            text += part;
            if (text.length > MAX_BYTES) call.destroy(new Error('the answer is too large'));
          });
          response.on('error', reject);
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      call.on('error', (error) => reject(Object.assign(error, { wasReused: call.reusedSocket })));
      call.end(body);
    });
  }

  /** A connection that was kept may have been closed at the other end meanwhile; to ask twice changes nothing. */
  async function sendAgain(path: string, body: Buffer): Promise<Answer> {
    try {
      return await send(path, body, currentAccount());
    } catch (error) {
      if (!(error as { wasReused?: boolean }).wasReused) throw error;
      return send(path, body, currentAccount());
    }
  }

  async function post(path: string, object: object): Promise<unknown> {
    const body = Buffer.from(JSON.stringify(object));
    try {
      let answer = await sendAgain(path, body);
      if (answer.status === 401) {
        account = account && { ...account, readAtMs: -ACCOUNT_MS };
        answer = await sendAgain(path, body);
      }
      return createdIn(answer);
    } catch (error) {
      if (error instanceof UnansweredError) throw error;
      const { name, message } = error as Error;
      throw new UnansweredError(
        name === 'TimeoutError' || name === 'AbortError'
          ? `the API server did not answer within ${TIMEOUT_MS} ms`
          : message,
      );
    }
  }

  return {
    ask: async (review) =>
      allowedBy(
        await post(
          `/apis/authorization.k8s.io/v1/namespaces/${review.metadata.namespace}/localsubjectaccessreviews`,
          review,
        ),
      ),
    post,
    close: () => account?.agent.destroy(),
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function createdIn({ status, text }: Answer): unknown {
  if (status === 200 || status === 201) return parse(text);
  const words = messageIn(text);
  throw new UnansweredError(
    `the API server answered ${status}${words === undefined ? '' : `: ${words}`}`,
    status,
  );
}

function allowedBy(review: unknown): boolean {
  const allowed = (review as { status?: { allowed?: unknown } } | undefined)?.status?.allowed;
  if (typeof allowed !== 'boolean') throw new UnansweredError('the answer of the API server is no review');
  return allowed;
}

function messageIn(text: string): string | undefined {
  const message = (parse(text) as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message.slice(0, 512) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
