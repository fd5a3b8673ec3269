/** To whom belongs what a server says that is no answer. */
import { LOG_LEVELS, text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { stream, type Call } from './calls.ts';
import type { Link } from './link.ts';
import type { LinkSession } from './link-session.ts';
import type { ServerLine } from './read-line.ts';
import { subscriptionIn, withParamText } from './rekey.ts';

type Said = Exclude<ServerLine, { readonly kind: 'answer' }>;

const CHANGED = /^notifications\/(?:tools|prompts|resources)\/list_changed$/;
/** What a client must be able to do to be asked. */
const CAPABILITIES: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

const MAX_QUESTIONS = 256;

export function route(link: Link, data: Buffer, said: Said): void {
  const { method, id, kind } = said;
  if (method === 'notifications/progress') return progress(link, data, said);
  if (kind === 'request' && method === 'ping')
    return link.tell(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{}}`));
  const subscription = kind === 'notification' ? subscriptionIn(data, 'params') : undefined;
  if (subscription) {
    const call = callNamed(link, data.toString('utf8', subscription.start, subscription.end));
    return call && stream(call, withParamText(data, subscription, call.id));
  }
  const question = kind === 'request' ? id : undefined;
  const [own] = link.sessions;
  if (own && link.isPrivate) return toOwner(link, own, { data, question });
  if (question !== undefined) return ask(link, data, { method, id });
  if (CHANGED.test(method)) for (const each of link.sessions) each.give(data);
  else if (method === 'notifications/resources/updated') updated(link, data, said);
  else if (method === 'notifications/message') log(link, data, said);
}

/** Of a process that one session has: all is its. */
function toOwner(link: Link, own: LinkSession, said: { data: Buffer; question: string | undefined }): void {
  const { data, question } = said;
  if (own.give(data)) return;
  const call = onlyCall(link);
  if (call && !call.headers) return stream(call, data);
  if (own.keep(data, question)) return;
  if (question !== undefined) link.refuse(question);
}

/** Of a process that many have: what is asked is for the only call under way, where its client can be asked. */
function ask(link: Link, data: Buffer, { method, id }: { method: string; id: string }): void {
  const call = onlyCall(link);
  const needed = CAPABILITIES[method] ?? method;
  if (!call?.session?.capabilities.has(needed)) return link.refuse(id);
  link.questions = [...link.questions.slice(-MAX_QUESTIONS), { id, session: call.session }];
  stream(call, data);
}

function progress(link: Link, data: Buffer, { params }: Said): void {
  const span = params && members(data, params.start).get('progressToken');
  if (!span) return;
  const call = callNamed(link, data.toString('utf8', span.start, span.end));
  if (call?.token !== undefined) stream(call, withParamText(data, span, call.token));
}

function updated(link: Link, data: Buffer, { params }: Said): void {
  const uri = params && text(data, members(data, params.start).get('uri'));
  if (uri === undefined) return;
  for (const each of link.sessions) if (each.subscriptions.has(uri)) each.give(data);
}

/** It may say what a call was about: to nobody but the only caller there is. */
function log(link: Link, data: Buffer, { params }: Said): void {
  const call = onlyCall(link);
  if (!call) return;
  const level = text(data, params && members(data, params.start).get('level')) ?? '';
  if (LOG_LEVELS.indexOf(level) >= (call.session?.logLevel ?? 0)) stream(call, data);
}

/** Servers give the number back as they have got it, or as text. */
function callNamed({ calls }: Link, token: string): Call | undefined {
  const wireId = Number(token.replaceAll('"', ''));
  return calls.find((each) => each.wireId === wireId);
}

function onlyCall({ calls }: Link): Call | undefined {
  const answering = calls.filter(({ method }) => method !== 'subscriptions/listen');
  return answering.length === 1 ? answering[0] : undefined;
}
