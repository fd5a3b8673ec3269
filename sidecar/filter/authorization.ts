import type { ClientMessage } from '../client-message.ts';
import type { Exchange } from '../exchange.ts';
import type { Log } from '../log.ts';
import { OVERRIDES_RULE } from '../overrides/compile-overrides.ts';
import type { Pass, Verdict } from '../passes.ts';
import { refuse, type Refusal } from '../reasons.ts';
import type { Catalogue } from '../upstream/catalogue.ts';
import { resourceUnknown } from './answers.ts';
import { asUnknown } from './as-unknown.ts';
import { readArguments } from './call-arguments.ts';
import { decide, governs, kindOf, type Asked } from './decide.ts';
import type { ToolFacts } from './decide-tool.ts';
import { referenceOf } from './reference.ts';
import { createResultEditors } from './result-editors.ts';
import type { Decision, Policy } from './policy.ts';

/** Finds a tool as this caller sees it, for servers may list per session. @throws when the server does not answer */
export type LookUpTool = (exchange: Exchange, name: string) => Promise<ToolFacts | undefined>;
/** The same of a prompt. */
export type LookUpPrompt = (exchange: Exchange, name: string) => Promise<boolean>;

export interface AuthorizationDeps {
  readonly catalogue: Catalogue;
  readonly lookUp: LookUpTool;
  readonly lookUpPrompt: LookUpPrompt;
  readonly log: Log;
}

const CATALOGUE_WAIT_MS = 5_000;
const NO_TOOLS = { tool: () => undefined };

/**
 * The annotations and the policy file, in all that a caller asks for and is told. What is forbidden and what does not
 * exist get the same answer, of the sidecar's own; neither request reaches the server.
 * @param current what is in force at the moment; undefined: nothing is forbidden
 */
export function createAuthorization(
  current: () => Policy | undefined,
  { catalogue, lookUp, lookUpPrompt, log }: AuthorizationDeps,
): Pass {
  function judge(exchange: Exchange, asked: Asked, tool: ToolFacts | undefined): Verdict {
    const catalogueOf = tool ? { tool: () => tool } : NO_TOOLS;
    const decision = decide(exchange.principal, asked, catalogueOf, current());
    exchange.rule = isNobodys(exchange, asked) ? OVERRIDES_RULE : decision.rule;
    if (decision.error !== undefined)
      log('policy_rule_failed', {
        server: exchange.server.name,
        audit_id: exchange.id,
        rule: decision.rule,
        error: decision.error,
      });
    if (decision.needsScopes) {
      // Who else denies it, hides it: they are asked first (late-gates.ts).
      exchange.needsScopes = decision.needsScopes;
      return undefined;
    }
    if (decision.allowed) return undefined;
    if (decision.argumentsOnly) {
      exchange.forbidden = refuse('arguments-forbidden', decision.message ?? exchange.called ?? asked.target);
      return undefined;
    }
    return refusalOf(exchange, asked, decision);
  }

  /** What is found is refused with the look that what is not found takes. */
  function judgeFound(exchange: Exchange, asked: Asked, tool: ToolFacts): Verdict | Promise<Verdict> {
    const refusal = judge(exchange, asked, tool);
    return refusal && asUnknown(refusal, (name) => lookUp(exchange, name));
  }

  async function judgeByLookup(exchange: Exchange, asked: Asked, name: string): Promise<Verdict> {
    try {
      const tool = await lookUp(exchange, name);
      return tool ? judgeFound(exchange, asked, tool) : judge(exchange, asked, undefined);
    } catch (error) {
      return refuse('catalogue-unavailable', (error as Error).message, { 'retry-after': '2' });
    }
  }

  async function judgeWhenLoaded(exchange: Exchange, asked: Asked, name: string): Promise<Verdict> {
    const tools = await catalogue.tools(CATALOGUE_WAIT_MS);
    if (!tools) return refuse('catalogue-unavailable', catalogue.state().error, { 'retry-after': '2' });
    const tool = tools.get(name);
    return tool ? judgeFound(exchange, asked, tool) : judgeByLookup(exchange, asked, name);
  }

  async function judgePrompt(exchange: Exchange, asked: Asked, name: string): Promise<Verdict> {
    const refusal = judge(exchange, asked, undefined);
    if (refusal) return asUnknown(refusal, (each) => lookUpPrompt(exchange, each));
    try {
      if (await lookUpPrompt(exchange, name)) return undefined;
    } catch (error) {
      return refuse('catalogue-unavailable', (error as Error).message, { 'retry-after': '2' });
    }
    exchange.rule = 'prompt-unknown';
    return refuse('prompt-unknown', name);
  }

  return {
    name: 'authorization',
    needs: ['request', 'result'],
    request(exchange) {
      const { message } = exchange;
      const policy = current();
      if (!message || !policy) return undefined;
      const asked = askedOf(exchange, message);
      const kind = kindOf(asked);
      if (kind !== 'tool' || message.target === undefined) {
        if (kind === 'prompt' && message.target !== undefined && governs(policy, 'prompt'))
          return judgePrompt(exchange, asked, message.target);
        const isGoverned = (kind && governs(policy, kind)) || !policy.completion || !policy.subscriptions;
        return isGoverned ? judge(exchange, asked, undefined) : undefined;
      }
      if (!governs(policy, 'tool')) return undefined;
      const tool = catalogue.state().tools?.get(message.target);
      return tool ? judgeFound(exchange, asked, tool) : judgeWhenLoaded(exchange, asked, message.target);
    },
    result: createResultEditors(current),
  };
}

/** A name that overrides keep from callers. */
const isNobodys = ({ called }: Exchange, { target }: Asked): boolean => called !== undefined && target === '';

function askedOf({ head }: Exchange, message: ClientMessage): Asked {
  const { method, target, raw, document } = message;
  return {
    method,
    target,
    reference: method === 'completion/complete' ? referenceOf(message) : undefined,
    address: head.remoteAddress,
    // The name of an argument that is being completed says nothing of a call.
    args:
      method === 'completion/complete'
        ? undefined
        : () => readArguments(raw, document.params.get('arguments')),
  };
}

function refusalOf(exchange: Exchange, asked: Asked, { rule }: Decision): Refusal {
  const kind = kindOf(asked);
  if (rule === 'policy/completion' || rule === 'policy/subscriptions') return refuse('method-forbidden');
  if (kind === 'resource') return resourceUnknown(exchange);
  return refuse(kind === 'prompt' ? 'prompt-unknown' : 'tool-unknown', exchange.called ?? asked.target);
}
