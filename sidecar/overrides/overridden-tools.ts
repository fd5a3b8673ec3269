import type { Exchange } from '../exchange.ts';
import { mayCarryAnything } from '../filter/result-editors.ts';
import { createListEditor } from '../filter/tools-list.ts';
import type { Pass, Verdict } from '../passes.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { argumentFault, argumentShape } from './argument-shape.ts';
import {
  OVERRIDES_RULE,
  type Override,
  shownAs,
  type OverriddenArguments,
  type Overrides,
} from './compile-overrides.ts';
import { editTool } from './edit-tool.ts';
import { viewOf, type OverrideView, type ShapedTool, type ShapedTools } from './override-view.ts';
import { rewriteCall, rewriteHeaders, unknownArguments } from './rewrite-call.ts';
import { createToldNameEditor, type ToldNameEditor } from './told-name.ts';

export interface OverriddenToolsDeps {
  /** In force at the moment. */
  readonly current: () => Overrides | undefined;
  readonly catalogue: {
    state(): { readonly tools?: ShapedTools; readonly error?: string };
    tools(waitMs: number): ShapedTools | undefined | Promise<ShapedTools | undefined>;
  };
  /** Told of what is wrong, when that changes. */
  readonly log: (problems: readonly string[]) => void;
  /** A tool that only the caller's own session has. @throws when the server does not answer */
  readonly lookUp: (exchange: Exchange, name: string) => Promise<ShapedTool | undefined>;
}

export interface OverriddenTools {
  /** In front of all that decides on tools: from here on a call has the tool's own name, and its fixed arguments. */
  readonly first: Pass;
  /** Behind all that decides: arguments that nobody may send, and the lists, as callers see them. */
  readonly last: Pass;
  /** Undefined: there are no overrides, or the tools are not known. */
  view(): OverrideView | undefined;
}

const CATALOGUE_WAIT_MS = 5_000;
/** No tool of any server: what has this name is unknown. */
const NOBODYS = '';

export function createOverriddenTools({
  current,
  catalogue,
  lookUp,
  log,
}: OverriddenToolsDeps): OverriddenTools {
  /** What is wrong with arguments is told to those alone who may call the tool. */
  const refusals = new WeakMap<Exchange, Refusal>();
  const viewNow = createViewOf(log);
  const toldNames = new WeakMap<Override, ToldNameEditor>();
  let shared:
    | { of: Overrides; view: OverrideView | undefined; edit: (message: Buffer) => Buffer }
    | undefined;

  function view(): OverrideView | undefined {
    const overrides = current();
    const { tools } = catalogue.state();
    return overrides && tools && viewNow(overrides, tools);
  }

  async function whenKnown(exchange: Exchange, overrides: Overrides, override: Override): Promise<Verdict> {
    const tools = await catalogue.tools(CATALOGUE_WAIT_MS);
    if (!tools) return refuse('catalogue-unavailable', catalogue.state().error, { 'retry-after': '2' });
    const known = tools.get(override.tool);
    if (known || !override.args) return rename(exchange, { overrides, override, tools, known });
    try {
      return rename(exchange, { overrides, override, tools, known: await lookUp(exchange, override.tool) });
    } catch (error) {
      return refuse('catalogue-unavailable', (error as Error).message, { 'retry-after': '2' });
    }
  }

  function rename(
    exchange: Exchange,
    { overrides, override, tools, known }: Found & { overrides: Overrides; tools: ShapedTools },
  ): Verdict {
    if (viewNow(overrides, tools).hidden.has(override.tool)) return rewrite(exchange, NOBODYS);
    const { args } = override;
    if (!args) return rewrite(exchange, override.tool);
    // Whoever decides knows no such tool either.
    if (!known?.shape || argumentFault(args, known.shape) !== undefined) return rewrite(exchange, NOBODYS);
    return withArguments(exchange, { override, args, known });
  }

  function withArguments(
    exchange: Exchange,
    { override, args, known }: { override: Override; args: OverriddenArguments; known: ShapedTool },
  ): Verdict {
    const message = exchange.message!;
    const names = known.shape?.names ?? [];
    const unknown = unknownArguments(message, (name) => names.includes(name) && !args.removed.has(name));
    if (!unknown) refusals.set(exchange, refuse('params-invalid', '"params.arguments" is not an object'));
    // One of them is as good as another: what is hidden is answered as what the tool does not have.
    else if (unknown.length > 0) refusals.set(exchange, refuse('argument-unknown', unknown[0]));
    rewriteHeaders(exchange.head, override.tool, { of: args, mirrored: known.mirrored ?? [] });
    return rewrite(exchange, override.tool, unknown && { pieces: args.pieces, without: unknown });
  }

  function listEditor(overrides: Overrides): (message: Buffer) => Buffer {
    const seen = view();
    if (shared?.of !== overrides || shared.view !== seen)
      shared = { of: overrides, view: seen, edit: createListEditor({ tools: shownIn(overrides, seen) }) };
    return shared.edit;
  }

  /** Answers to any call may come on a stream that is resumed. */
  function withToldNames({ byTool }: Overrides, message: Buffer): Buffer {
    let told = message;
    for (const { tool, shown } of byTool.values())
      if (shown !== tool) told = toldNameEditor(tool, shown)(told);
    return told;
  }

  function toldNameEditor(tool: string, called: string): ToldNameEditor {
    const override = current()?.byShown.get(called);
    const known = override && toldNames.get(override);
    if (known && override.tool === tool) return known;
    const made = createToldNameEditor(tool, called);
    if (override?.tool === tool) toldNames.set(override, made);
    return made;
  }

  return {
    view,
    first: {
      name: 'overrides',
      needs: ['request'],
      request(exchange) {
        const { message } = exchange;
        if (message?.method !== 'tools/call' || message.target === undefined) return undefined;
        const overrides = current();
        if (!overrides) return undefined;
        const override = overrides.byShown.get(message.target);
        if (!override) return overrides.byTool.has(message.target) ? rewrite(exchange, NOBODYS) : undefined;
        if (override.shown === override.tool && !override.args) return undefined;
        const { tools } = catalogue.state();
        const known = tools?.get(override.tool);
        return tools && (known || !override.args)
          ? rename(exchange, { overrides, override, tools, known })
          : whenKnown(exchange, overrides, override);
      },
    },
    last: {
      name: 'overridden arguments',
      needs: ['request', 'result'],
      request(exchange) {
        const refusal = refusals.get(exchange);
        if (refusal) exchange.rule = OVERRIDES_RULE;
        return refusal;
      },
      result(exchange) {
        const { message: asked, called, tool } = exchange;
        if (called !== undefined && asked?.target) return toldNameEditor(asked.target, called);
        const shown = tool === undefined ? undefined : shownAs(current(), tool);
        if (tool !== undefined && shown !== undefined && shown !== tool) return toldNameEditor(tool, shown);
        const any = mayCarryAnything(exchange);
        if (asked?.method !== 'tools/list' && !any) return undefined;
        // A list may come when another policy is in force.
        return (message) => {
          const overrides = current();
          if (!overrides) return message;
          const listed = listEditor(overrides)(message);
          return any && listed.includes('rror"') ? withToldNames(overrides, listed) : listed;
        };
      },
    },
  };
}

interface Found {
  readonly override: Override;
  readonly known: ShapedTool | undefined;
}

/** For an element of a list: it goes out as it is, not at all, or as this. */
const shownIn =
  ({ byTool, byShown }: Overrides, view: OverrideView | undefined) =>
  (element: unknown, bytes: Buffer): boolean | string => {
    const { name, inputSchema } = (element ?? {}) as { name?: unknown; inputSchema?: unknown };
    if (typeof name !== 'string' || view?.hidden.has(name)) return false;
    const override = byTool.get(name);
    // Its name is another's now.
    if (!override) return !byShown.has(name);
    if (override.args && argumentFault(override.args, argumentShape(inputSchema)) !== undefined) return false;
    return editTool(bytes, 0, override);
  };

/** What was called stays known, for who reads the answer and for the record. */
function rewrite(exchange: Exchange, name: string, args?: Parameters<typeof rewriteCall>[2]): undefined {
  const given = exchange.message!;
  if (given.target !== name) {
    exchange.called = given.target ?? '';
    if (given.era === 'modern') rewriteHeaders(exchange.head, name);
  }
  exchange.message = rewriteCall(given, name, args);
}

/** Equal questions in a row are answered once. */
function createViewOf(log: OverriddenToolsDeps['log']): typeof viewOf {
  let last: { overrides: Overrides; tools: ShapedTools; view: OverrideView } | undefined;
  return (overrides, tools) => {
    if (last?.overrides !== overrides || last.tools !== tools) {
      const view = viewOf(overrides, tools);
      if (view.problems.join() !== (last?.view.problems.join() ?? '')) log(view.problems);
      last = { overrides, tools, view };
    }
    return last.view;
  };
}
