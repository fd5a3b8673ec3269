/**
 * A call that a server of sessions has refused until its user has opened a page (2025-11-25, elicitation:
 * URLElicitationRequiredError). 2026-07-28 asks for that, and the call is sent to the server once more.
 */
import { text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import type { Answers } from './answers.ts';
import type { Question } from './parked-rounds.ts';
import type { ModernRequest, ProtocolError } from './modern-request.ts';
import { mayBeAskedBack, missingCapability, undeclared } from './questions.ts';
import type { SessionStream } from './session-stream.ts';

const URL_REQUIRED = -32_042;
const INTERNAL_ERROR = -32603;
const MAX_PAGES = 16;
const NEEDED = 'the server needs its user to open a page first';
/** The client's yes is to the page and not to what is done there: the server tells when that is over, or does not. */
const COMPLETE_MS = 20_000;

interface Page {
  readonly message: string;
  readonly url: string;
  readonly elicitationId: string;
}

/** Undefined for any other answer; an error, where the client cannot be asked or there is nothing to ask. */
export function pagesRequired(
  response: Buffer,
  { method, request, stream }: { method: string; request: ModernRequest; stream: SessionStream },
): PagesAwaited | { readonly error: ProtocolError } | undefined {
  const pages = pagesOf(response);
  if (!pages) return undefined;
  const lacked = undeclared({ method: 'elicitation/create', params: '{"mode":"url"}' }, request);
  if (lacked) return { error: missingCapability(lacked) };
  if (!mayBeAskedBack(method, request)) return { error: protocolError(`${NEEDED}; ${method} cannot ask`) };
  if (pages.length === 0) return { error: protocolError(`${NEEDED}, and names none`) };
  return awaitPages(stream, pages);
}

function pagesOf(response: Buffer): Page[] | undefined {
  // Nearly no answer is one: it is not parsed for that.
  if (!response.includes(`${URL_REQUIRED}`)) return undefined;
  const error = members(response).get('error');
  if (!error) return undefined;
  const { code, data } = JSON.parse(response.toString('utf8', error.start, error.end)) as {
    code?: unknown;
    data?: { elicitations?: unknown } | null;
  };
  if (code !== URL_REQUIRED) return undefined;
  const named = data?.elicitations;
  return (Array.isArray(named) ? (named as unknown[]) : []).filter(isPage).slice(0, MAX_PAGES);
}

const isPage = (value: unknown): value is Page =>
  typeof value === 'object' &&
  value !== null &&
  ['message', 'url', 'elicitationId'].every(
    (key) => typeof (value as Record<string, unknown>)[key] === 'string',
  );

const questionOf = ({ message, url }: Page): Question => ({
  id: 'null',
  method: 'elicitation/create',
  params: JSON.stringify({ mode: 'url', message, url }),
});

/** What the call ends with when its user will not. */
export function refusedPages(answers: Answers): ProtocolError | undefined {
  const other = [...answers.values()].find((each) => actionOf(each) !== 'accept');
  return other === undefined ? undefined : protocolError(`${NEEDED}; the answer was ${actionOf(other)}`);
}

function actionOf(answer: string): string {
  const raw = Buffer.from(answer);
  return (answer.startsWith('{') && text(raw, members(raw).get('action'))) || 'none';
}

const protocolError = (message: string): ProtocolError => ({ status: 200, code: INTERNAL_ERROR, message });

export interface PagesAwaited {
  readonly questions: readonly Question[];
  /** Calls `then` when the server has told of each that it is over, or has had its time. */
  done(then: () => void): void;
  close(): void;
}

function awaitPages(stream: SessionStream, pages: readonly Page[]): PagesAwaited {
  const open = new Set(pages.map(({ elicitationId }) => elicitationId));
  let timer: NodeJS.Timeout | undefined;
  let then: (() => void) | undefined;
  const close = (): void => {
    stop();
    clearTimeout(timer);
    then = undefined;
  };
  const finish = (): void => {
    const next = then;
    close();
    next?.();
  };
  const stop = stream.listen((data) => {
    const top = members(data);
    if (text(data, top.get('method')) !== 'notifications/elicitation/complete') return;
    const params = top.get('params');
    const id = params && text(data, members(data, params.start).get('elicitationId'));
    if (id !== undefined && open.delete(id) && open.size === 0 && then) finish();
  });
  return {
    questions: pages.map(questionOf),
    done(next) {
      then = next;
      if (open.size === 0) setImmediate(finish);
      else timer = setTimeout(finish, COMPLETE_MS).unref();
    },
    close,
  };
}
