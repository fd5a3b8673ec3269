import { scopeNow } from '../../exchange-scope.ts';
import type { HttpPool } from '../http-pool.ts';
import type { UpstreamCall, UpstreamEvents, UpstreamRequest } from '../upstream-call.ts';
import type { UpstreamError } from '../upstream-error.ts';
import type { Caller } from './caller.ts';

export interface Credential {
  /**
   * The token for a request of this caller's, or of the proxy's own; undefined where it goes without.
   * @throws {UpstreamError} or rejects with one
   */
  of(caller: Caller | undefined): string | undefined | Promise<string>;
  /** The server has answered 401 to it. @returns whether another may do better */
  refused(caller: Caller | undefined, token: string): boolean;
}

const MAX_OWNERS = 1_024;
const UNAUTHORIZED = 401;

/**
 * Gives each request a token. What is sent for a caller carries a token that this caller has brought or been given, or
 * is not sent: in between the calls of a session it is the last one of its principal.
 * @param isOwn all requests go in the proxy's own name
 */
export function credentialedPool(
  pool: HttpPool,
  credential: Credential,
  { isOwn, faulted }: { isOwn: boolean; faulted: (error: unknown) => void },
): HttpPool {
  const last = new Map<string, Caller>();

  function callerOf({ owner, caller: given }: UpstreamRequest): Caller | undefined {
    if (isOwn || (owner === undefined && !given)) return undefined;
    const mine = (caller: Caller | undefined): caller is Caller =>
      caller !== undefined && (owner === undefined || caller.owner === owner);
    // Timers and streams that one exchange has begun go on for the sessions of others.
    const caller = mine(given) ? given : scopeNow()?.caller;
    if (!mine(caller)) return last.get(owner ?? '') ?? { ...NOBODY, owner: owner ?? '' };
    remember(caller);
    return caller;
  }

  function remember(caller: Caller): void {
    const { owner, token } = caller;
    const known = last.get(owner);
    if (token === undefined || known?.token === token) return;
    if (!known && last.size >= MAX_OWNERS) last.delete(last.keys().next().value!);
    last.set(owner, caller);
  }

  function send(request: UpstreamRequest, events: UpstreamEvents): UpstreamCall {
    const caller = callerOf(request);
    let inner: UpstreamCall | undefined;
    let mayRepeat = request.repeatable ?? request.method !== 'POST';
    let paused = false;
    let gone = false;

    function begin(): void {
      try {
        const token = credential.of(caller);
        if (token instanceof Promise) token.then(go, fail);
        else go(token);
      } catch (error) {
        setImmediate(fail, error as UpstreamError);
      }
    }

    function go(token: string | undefined): void {
      if (gone) return;
      if (token === undefined) inner = pool.send(request, events);
      else
        inner = pool.send(
          request,
          {
            head(head) {
              if (head.status !== UNAUTHORIZED || !credential.refused(caller, token) || !mayRepeat)
                return events.head(head);
              mayRepeat = false;
              inner?.abort();
              inner = undefined;
              begin();
            },
            chunk: (bytes) => events.chunk(bytes),
            end: () => events.end(),
            fail: (error) => events.fail(error),
          },
          `Bearer ${token}`,
        );
      if (paused) inner.pause();
    }

    function fail(error: UpstreamError): void {
      if (gone) return;
      gone = true;
      try {
        events.fail(error);
      } catch (fault) {
        faulted(fault);
      }
    }

    begin();
    return {
      abort() {
        gone = true;
        inner?.abort();
      },
      pause() {
        paused = true;
        inner?.pause();
      },
      resume() {
        paused = false;
        inner?.resume();
      },
    };
  }

  return { send, close: () => pool.close() };
}

const NOBODY: Omit<Caller, 'owner'> = {
  type: 'urn:ietf:params:oauth:token-type:access_token',
  lacks: 'none has been brought since the proxy has started',
};
