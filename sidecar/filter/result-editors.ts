import type { Exchange } from '../exchange.ts';
import type { Principal } from '../principal.ts';
import { createCompletionEditor, createNotFoundEditor, markPrivate, resourceUnknown } from './answers.ts';
import { referenceOf } from './reference.ts';
import { decideListed, governs, type Thing } from './decide.ts';
import { toolFacts } from './decide-tool.ts';
import type { Policy } from './policy.ts';
import { createToldEditor } from './told.ts';
import { createListEditor, type Lists } from './tools-list.ts';

const LISTS: Readonly<Record<string, string>> = {
  'tools/list': 'tool',
  'resources/list': 'resource',
  'resources/templates/list': 'resource',
  'prompts/list': 'prompt',
};
const READS = new Set(['resources/read', 'resources/subscribe', 'resources/unsubscribe']);
/** In these a server may ask the user back. */
const ASKS = new Set(['tools/call', 'prompts/get', 'resources/read', 'tasks/get', 'tasks/result']);

type Edit = (message: Buffer) => Buffer;

/** For an exchange: what it needs to see of the answer, judged by what is in force when a message comes. */
export function createResultEditors(
  current: () => Policy | undefined,
): (exchange: Exchange) => Edit | undefined {
  /** What is the same for all callers is filtered once for all of them. */
  let shared: { of: Policy; edit: Edit } | undefined;
  let ofCallers: { of: Policy; edit: (principal: Principal, address: string) => Edit } | undefined;

  function listEditor(policy: Policy, { principal, head: { remoteAddress } }: Exchange): Edit {
    // Whoever else decides may decide otherwise the next time.
    if (policy.perCaller === 'here') return createListEditor(listsOf(policy, principal, remoteAddress), true);
    if (policy.rules.length > 0 || policy.scopes) {
      if (ofCallers?.of !== policy) ofCallers = { of: policy, edit: editorsOfCallers(policy) };
      return ofCallers.edit(principal, remoteAddress);
    }
    if (shared?.of !== policy)
      shared = { of: policy, edit: createListEditor(listsOf(policy, principal, remoteAddress)) };
    return shared.edit;
  }

  function editorsOf(policy: Policy, exchange: Exchange): Edit[] {
    const method = exchange.message?.method ?? '';
    const resource = governs(policy, 'resource') ? mayKnow(policy, exchange) : undefined;
    const completes = method === 'completion/complete' && referenceOf(exchange.message!) === 'resource';
    const any = mayCarryAnything(exchange);
    const told = { resource, url: urlJudge(policy, exchange), subscriptions: policy.subscriptions };
    return [
      ...(any || (LISTS[method] && governsList(policy, method)) ? [listEditor(policy, exchange)] : []),
      ...(policy.perCaller === 'here' && LISTS[method] && !governsList(policy, method) ? [markPrivate] : []),
      ...(any || (told.url && ASKS.has(method)) ? [createToldEditor(told, any)] : []),
      ...(resource && (READS.has(method) || completes)
        ? [createNotFoundEditor(resourceUnknown(exchange), exchange.message?.id)]
        : []),
      ...(method === 'resources/read' &&
      (policy.perCaller || policy.rules.some(({ kinds }) => kinds.includes('resource')))
        ? [markPrivate]
        : []),
      ...(resource && completes ? [createCompletionEditor(exchange.message!, resource)] : []),
    ];
  }

  return (exchange) => {
    const started = current();
    const any = mayCarryAnything(exchange);
    // A list or a stream may come when another policy is in force; a call has been judged by this one.
    if (
      !any &&
      !LISTS[exchange.message?.method ?? ''] &&
      (!started || !editsAnswers(started) || editorsOf(started, exchange).length === 0)
    )
      return undefined;
    /** Of a stream the credential is looked at again, and may be of other groups or scopes then. */
    let made: { of: Policy; principal: Principal; edits: Edit[] } | undefined;
    return (message) => {
      const policy = current();
      if (!policy) return message;
      const { principal } = exchange;
      if (made?.of !== policy || made.principal !== principal)
        made = { of: policy, principal, edits: editorsOf(policy, exchange) };
      let edited = message;
      for (const edit of made.edits) if (edited.length > 0) edited = edit(edited);
      return edited;
    };
  };
}

/** Each keeps a list, as it came and as it went. */
const MAX_CALLERS = 16;

/** Rules and scopes decide alike for a caller as long as they are in force: those of the last callers are kept. */
function editorsOfCallers(policy: Policy): (principal: Principal, address: string) => Edit {
  const latest: { principal: Principal; address: string; edit: Edit }[] = [];
  return (principal, address) => {
    const at = latest.findIndex((each) => each.principal === principal && each.address === address);
    const [caller] =
      at < 0
        ? [{ principal, address, edit: createListEditor(listsOf(policy, principal, address), true) }]
        : latest.splice(at, 1);
    latest.unshift(caller!);
    if (latest.length > MAX_CALLERS) latest.pop();
    return caller!.edit;
  };
}

/** Patterns of tools and prompts alone leave every answer that is no list as it is. */
const editsAnswers = (policy: Policy): boolean => policy.url !== undefined || governs(policy, 'resource');

/**
 * Lists and news may come on any stream that is no single call's, for a GET with `Last-Event-ID` replays what another
 * stream began. Calls answer with one message of their own.
 */
export const mayCarryAnything = ({ head, message }: Exchange): boolean =>
  head.method === 'GET' || message?.kind === 'response' || message?.method === 'subscriptions/listen';

const governsList = (policy: Policy, method: string): boolean =>
  governs(policy, LISTS[method] as Thing['kind']);

function listsOf(policy: Policy, principal: Principal, address: string): Lists {
  const sees = (thing: Thing): boolean => decideListed(policy, principal, thing, address).allowed;
  const named =
    (kind: 'resource' | 'prompt', key: string) =>
    (element: unknown): boolean => {
      const name = (element as Record<string, unknown> | null)?.[key];
      return typeof name === 'string' && sees({ kind, name });
    };
  return {
    ...(governs(policy, 'tool') && {
      tools(element) {
        const tool = toolFacts(element);
        return tool !== undefined && sees({ kind: 'tool', name: tool.name, tool });
      },
    }),
    ...(governs(policy, 'resource') && {
      resources: named('resource', 'uri'),
      // A template is judged as it is written: `file:///docs/{path}` is one of `file:///docs/*`.
      resourceTemplates: named('resource', 'uriTemplate'),
    }),
    ...(governs(policy, 'prompt') && { prompts: named('prompt', 'name') }),
  };
}

const mayKnow =
  (policy: Policy, { principal, head }: Exchange) =>
  (uri: string): boolean =>
    decideListed(policy, principal, { kind: 'resource', name: uri }, head.remoteAddress).allowed;

/** What decided stands in the record of the call that asked. */
const urlJudge = ({ url }: Policy, exchange: Exchange): ((asked: string) => boolean) | undefined =>
  url &&
  ((asked) => {
    const { allowed, rule } = url(asked);
    if (!allowed) exchange.rule = rule;
    return allowed;
  });
