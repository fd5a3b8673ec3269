import type { Exchange } from '../exchange.ts';
import { resourceUnknown } from '../filter/answers.ts';
import { asUnknown } from '../filter/as-unknown.ts';
import type { LookUpPrompt, LookUpTool } from '../filter/authorization.ts';
import { kindOf } from '../filter/decide.ts';
import type { Policy } from '../filter/policy.ts';
import { referenceOf } from '../filter/reference.ts';
import { createResultEditors } from '../filter/result-editors.ts';
import { ResultRefusedError, type Pass, type ResultEditor, type Verdict } from '../passes.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { ACCESS_RULE, ACCESS_VERBS, type AccessVerb } from './attributes.ts';
import type { Reviews } from './reviews.ts';

/** @returns false also where nobody knows yet: then it is asked again with the answer */
export type May = (verb: AccessVerb, name: string) => boolean;

export interface Access {
  /** Lets nobody through while the API server cannot be asked. Behind authentication. */
  readonly gate: Pass;
  /** Asks, before anybody knows whether the thing is there: else the time that it takes would tell. */
  readonly first: Pass;
  /** What the caller may not do is answered as what is not there. Behind the policy, which knows what is there. */
  pass(lookUps: LookUps): Pass;
  /** Whether the caller may use a tool, within an editor of {@link settled}; elsewhere yes. */
  mayUse(tool: string): boolean;
  /** The editor with answers to all that it asks. */
  settled(exchange: Exchange, editor: ResultEditor): ResultEditor;
}

export interface LookUps {
  readonly lookUp: LookUpTool;
  readonly lookUpPrompt: LookUpPrompt;
}

/** Of one message; the rest is hidden. */
const MAX_NAMES = 2_000;
const MAX_NAME_CHARS = 4_096;
const NOTHING = Buffer.alloc(0);

export function createAccess(reviews: Reviews): Access {
  let within: May | undefined;
  /** By the request: what the API server was asked for it first. */
  const answers = new WeakMap<Exchange, Promise<boolean>>();

  /** Anew each time: what it says depends on the message that is edited. */
  const mine = ({ principal }: Exchange): Policy =>
    policyOf(
      (verb, name) => within?.(verb, name) === true,
      (verb) => reviews.allowsAll(principal, verb),
    );

  function askFirst(exchange: Exchange): undefined | Promise<undefined> {
    const asked = askedOf(exchange);
    if (!asked) return undefined;
    const answer = ask(exchange, asked.verb, asked.name);
    // What is known stays so for the moment that it takes to come to the question again.
    if (typeof answer === 'boolean') return undefined;
    answers.set(exchange, answer);
    return answer.then(nothing, nothing);
  }

  function judge(exchange: Exchange, lookUps: LookUps): Verdict | Promise<Verdict> {
    const asked = askedOf(exchange);
    if (!asked) return undefined;
    const answer = answers.get(exchange) ?? ask(exchange, asked.verb, asked.name);
    if (typeof answer === 'boolean') return verdict(exchange, lookUps, answer);
    return answer.then(
      (allowed) => verdict(exchange, lookUps, allowed),
      // Another answer than to what does not exist would tell that it does.
      () => verdict(exchange, lookUps, false, `${ACCESS_RULE}-unanswered`),
    );
  }

  const ask = ({ principal }: Exchange, verb: AccessVerb, name: string): boolean | Promise<boolean> =>
    name.length <= MAX_NAME_CHARS && reviews.ask(principal, verb, name);

  /** Runs with what is known; where that was not all, asks and runs again. */
  function withAnswers(
    exchange: Exchange,
    run: (may: May) => Buffer | Promise<Buffer>,
  ): Buffer | Promise<Buffer> {
    const decided = new Map<string, boolean>();
    const again = (): Buffer | Promise<Buffer> => {
      const waiting: Promise<void>[] = [];
      const may: May = (verb, name) => {
        const key = `${verb} ${name}`;
        const known = decided.get(key);
        if (known !== undefined) return known;
        const answer = decided.size < MAX_NAMES && ask(exchange, verb, name);
        if (typeof answer !== 'boolean') waiting.push(answer.then((yes) => void decided.set(key, yes)));
        decided.set(key, answer === true);
        return answer === true;
      };
      const result = run(may);
      return waiting.length === 0 ? result : Promise.all(waiting).then(again);
    };
    return again();
  }

  function settled(exchange: Exchange, editor: ResultEditor): ResultEditor {
    const run = (message: Buffer, may: May): Buffer | Promise<Buffer> => {
      within = may;
      try {
        return editor(message);
      } finally {
        within = undefined;
      }
    };
    const edit: ResultEditor = (message) => {
      const edited = withAnswers(exchange, (may) => run(message, may));
      return edited instanceof Promise
        ? edited.catch((error: unknown) => unanswered(exchange, error))
        : edited;
    };
    return editor.largePass ? Object.assign(edit, { largePass: true as const }) : edit;
  }

  return {
    gate: {
      name: 'access-gate',
      needs: ['head'],
      head(exchange) {
        const admit = (): Verdict => {
          if (reviews.problem() === undefined || reviews.knows(exchange.principal)) return undefined;
          exchange.rule = ACCESS_RULE;
          return refuse('access-unavailable', undefined, { 'retry-after': '2' });
        };
        return reviews.starting()?.then(admit) ?? admit();
      },
    },
    first: { name: 'access-asked', needs: ['request'], request: askFirst },
    pass: (lookUps) => ({
      name: 'access',
      needs: ['request', 'result'],
      request: (exchange) => judge(exchange, lookUps),
      result(exchange) {
        if (!isAboutNames(exchange)) return undefined;
        const editor = createResultEditors(() => mine(exchange))(exchange);
        return editor && settled(exchange, editor);
      },
    }),
    mayUse: (tool) => within?.(ACCESS_VERBS.tool, tool) ?? true,
    settled,
  };
}

/**
 * What a caller may see, as the policy of that caller.
 * @param all what is known to be allowed whatever its name is: that is not looked at
 */
const policyOf = (may: May, all: (verb: AccessVerb) => boolean): Policy => ({
  ...(!all(ACCESS_VERBS.tool) && {
    tool: ({ name }) => ({ allowed: may(ACCESS_VERBS.tool, name), rule: ACCESS_RULE }),
  }),
  ...(!all(ACCESS_VERBS.prompt) && {
    prompt: (name) => ({ allowed: may(ACCESS_VERBS.prompt, name), rule: ACCESS_RULE }),
  }),
  ...(!all(ACCESS_VERBS.resource) && {
    resource: (uri) => ({ allowed: may(ACCESS_VERBS.resource, uri), rule: ACCESS_RULE }),
  }),
  completion: true,
  subscriptions: true,
  rules: [],
  perCaller: 'here',
});

function askedOf(exchange: Exchange): { verb: AccessVerb; name: string } | undefined {
  const { message, tool, called } = exchange;
  if (!message) return undefined;
  const { method } = message;
  // Of a name that overrides keep from callers nothing is left but what was called: nobody is let through by it.
  const target = message.target || called || message.target;
  // Whose task it is, and of which tool, has been found out by now.
  if (method.startsWith('tasks/'))
    return tool === undefined ? undefined : { verb: ACCESS_VERBS.tool, name: tool };
  const reference = method === 'completion/complete' ? referenceOf(message) : undefined;
  const kind = kindOf({ method, reference });
  return kind === undefined || target === undefined ? undefined : { verb: ACCESS_VERBS[kind], name: target };
}

function verdict(
  exchange: Exchange,
  { lookUp, lookUpPrompt }: LookUps,
  allowed: boolean,
  rule: string = ACCESS_RULE,
): Verdict | Promise<Verdict> {
  if (allowed) {
    if (exchange.rule === 'default') exchange.rule = ACCESS_RULE;
    return undefined;
  }
  exchange.rule = rule;
  const refusal = refusalOf(exchange);
  if (refusal.reason === 'tool-unknown') return asUnknown(refusal, (name) => lookUp(exchange, name));
  if (refusal.reason === 'prompt-unknown') return asUnknown(refusal, (name) => lookUpPrompt(exchange, name));
  return refusal;
}

function nothing(): undefined {}

function refusalOf(exchange: Exchange): Refusal {
  const { method } = exchange.message!;
  // What a caller reads is the name that it has called.
  const target = exchange.called ?? exchange.message!.target;
  if (method.startsWith('tasks/')) return refuse('task-unknown');
  const reference = method === 'completion/complete' ? referenceOf(exchange.message!) : undefined;
  const kind = kindOf({ method, reference });
  if (kind === 'resource') return resourceUnknown(exchange);
  return refuse(kind === 'prompt' ? 'prompt-unknown' : 'tool-unknown', target);
}

/** Answers that hold lists, news, or values of which names are made. */
const isAboutNames = ({ head, message }: Exchange): boolean =>
  head.method === 'GET' ||
  message?.kind === 'response' ||
  message?.method === 'subscriptions/listen' ||
  message?.method === 'completion/complete' ||
  message?.method.endsWith('/list') === true;

/** On a stream of many messages it is not sent; else it is an error, for an empty list would be believed. */
function unanswered({ head, message }: Exchange, error: unknown): Buffer {
  if (error instanceof ResultRefusedError) throw error;
  if (head.method === 'GET' || message?.kind !== 'request' || message.method === 'subscriptions/listen')
    return NOTHING;
  throw new ResultRefusedError(refuse('access-unavailable', undefined, { 'retry-after': '2' }));
}
