import type { LookUpTool } from '../filter/authorization.ts';
import { mayCarryAnything } from '../filter/result-editors.ts';
import { asUnknown } from '../filter/as-unknown.ts';
import { createListEditor } from '../filter/tools-list.ts';
import type { Exchange } from '../exchange.ts';
import type { Pass, Verdict } from '../passes.ts';
import { refuse } from '../reasons.ts';
import type { Catalogue } from '../upstream/catalogue.ts';
import type { CatalogueTool } from '../upstream/list-tools.ts';
import { type Definition, definitionOf } from './definition.ts';
import { createOwnAnswerEditor } from './own-answer.ts';
import type { Pins } from './pins-schema.ts';
import { checkEnvelope, hasOneReading } from './one-reading.ts';

export interface PinsPassDeps {
  /** What is in force; undefined while there has been none. */
  readonly inForce: () => Pins | undefined;
  /** Why a tool is blocked; undefined: it is as it is pinned. */
  readonly judge: (name: string, definition: Definition | undefined) => string | undefined;
  readonly catalogue: Pick<Catalogue, 'state' | 'tools'>;
  readonly lookUp: LookUpTool;
  /** A list on its way to a caller had a tool that is not as it is pinned. */
  readonly seen: (name: string, rule: string, definition: Definition | undefined) => void;
}

const CATALOGUE_WAIT_MS = 5_000;

/**
 * Lets tools through that are as they are pinned. Others are not in lists, each element of which is judged as the caller
 * would see it, and calls to them are answered as calls to what does not exist.
 */
export function createPinsPass({ inForce, judge, catalogue, lookUp, seen }: PinsPassDeps): Pass {
  function verdictOn(
    exchange: Exchange,
    name: string,
    tool: CatalogueTool | undefined,
  ): Verdict | Promise<Verdict> {
    const rule = tool ? judge(name, tool.pin) : 'tool-unknown';
    if (rule === undefined) return undefined;
    exchange.rule = rule;
    const refusal = refuse('tool-unknown', exchange.called ?? name);
    return tool ? asUnknown(refusal, (each) => lookUp(exchange, each)) : refusal;
  }

  async function judgeLate(exchange: Exchange, name: string): Promise<Verdict> {
    try {
      const tools = await catalogue.tools(CATALOGUE_WAIT_MS);
      if (!tools) return refuse('catalogue-unavailable', catalogue.state().error, { 'retry-after': '2' });
      const tool = tools.get(name) ?? ((await lookUp(exchange, name)) as CatalogueTool | undefined);
      return verdictOn(exchange, name, tool);
    } catch (error) {
      return refuse('catalogue-unavailable', (error as Error).message, { 'retry-after': '2' });
    }
  }

  /** Pins are the same for all callers: equal lists are judged once by each version of them. */
  let made: { of: Pins | undefined; edit: (message: Buffer) => Buffer } | undefined;

  function edit(message: Buffer): Buffer {
    const of = inForce();
    if (!made || made.of !== of)
      made = { of, edit: createListEditor({ tools: isPinned }, false, checkEnvelope) };
    return made.edit(message);
  }

  function isPinned(element: unknown, bytes: Buffer): boolean {
    const { name } = (element ?? {}) as { name?: unknown };
    if (typeof name !== 'string') return false;
    const definition = hasOneReading(bytes, element) ? definitionOf(element) : undefined;
    const rule = judge(name, definition);
    if (rule !== undefined) seen(name, rule, definition);
    return rule === undefined;
  }

  return {
    name: 'pins',
    needs: ['head', 'request', 'result'],
    head(exchange) {
      if (inForce()) return undefined;
      exchange.rule = 'pins';
      return refuse('pins-unavailable', undefined, { 'retry-after': '5' });
    },
    request(exchange) {
      const { message } = exchange;
      if (message?.method !== 'tools/call' || message.target === undefined) return undefined;
      const tool = catalogue.state().tools?.get(message.target);
      return tool ? verdictOn(exchange, message.target, tool) : judgeLate(exchange, message.target);
    },
    result(exchange) {
      const { message } = exchange;
      if (message?.method === 'tools/list' || mayCarryAnything(exchange)) return edit;
      return message?.id === undefined ? undefined : createOwnAnswerEditor(message.id);
    },
  };
}
