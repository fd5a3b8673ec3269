import type { Exchange } from '../exchange.ts';
import type { Pass, ResultEditor, Verdict } from '../passes.ts';
import { refuse } from '../reasons.ts';
import type { Catalogue } from '../upstream/catalogue.ts';
import type { DecideTool, ToolFacts } from './decide-tool.ts';
import { createToolsListEditor } from './tools-list.ts';

/** Finds a tool as this caller sees it, for servers may list per session. @throws when the server does not answer */
export type LookUpTool = (exchange: Exchange, name: string) => Promise<ToolFacts | undefined>;

const CATALOGUE_WAIT_MS = 5_000;

/**
 * `allow-tools`, `deny-tools`, `mode` and the policy file, in lists and in calls. A forbidden tool and one that does not
 * exist get the same answer, of the sidecar's own; neither call reaches the server.
 * @param current what is in force at the moment; undefined: nothing is forbidden
 */
export function createToolFilter(
  current: () => DecideTool | undefined,
  catalogue: Catalogue,
  lookUp: LookUpTool,
): Pass {
  let editor: { of: DecideTool; edit: ResultEditor } | undefined;

  /** At the time of the message, for a stream may be older than what is in force. */
  function edit(message: Buffer): Buffer {
    const decide = current();
    if (!decide) return message;
    if (editor?.of !== decide) editor = { of: decide, edit: createToolsListEditor(decide) };
    return editor.edit(message);
  }

  function judge(exchange: Exchange, tool: ToolFacts | undefined): Verdict {
    const decide = current();
    if (!decide) return undefined;
    if (!tool) {
      exchange.rule = 'tool-unknown';
      return refuse('tool-unknown', exchange.message?.target);
    }
    const { allowed, rule } = decide(tool);
    exchange.rule = rule;
    return allowed ? undefined : refuse('tool-unknown', exchange.message?.target);
  }

  async function judgeByLookup(exchange: Exchange, name: string): Promise<Verdict> {
    try {
      return judge(exchange, await lookUp(exchange, name));
    } catch (error) {
      return refuse('catalogue-unavailable', (error as Error).message, { 'retry-after': '2' });
    }
  }

  async function judgeWhenLoaded(exchange: Exchange, name: string): Promise<Verdict> {
    const tools = await catalogue.tools(CATALOGUE_WAIT_MS);
    if (!tools) return refuse('catalogue-unavailable', catalogue.state().error, { 'retry-after': '2' });
    const tool = tools.get(name);
    return tool ? judge(exchange, tool) : judgeByLookup(exchange, name);
  }

  return {
    name: 'tool-filter',
    needs: ['request', 'result'],
    request(exchange) {
      const { message } = exchange;
      if (message?.method !== 'tools/call' || message.target === undefined || !current()) return undefined;
      const tool = catalogue.state().tools?.get(message.target);
      return tool ? judge(exchange, tool) : judgeWhenLoaded(exchange, message.target);
    },
    result: (exchange) => (mayCarryTools(exchange) ? edit : undefined),
  };
}

/**
 * A list of tools may come on any event stream, for a GET with `Last-Event-ID` replays what another stream began; of
 * the JSON answers only the one to `tools/list` has one. Calls answer with one message of their own.
 */
function mayCarryTools({ head, message }: Exchange): boolean {
  return head.method === 'GET' || message?.method === 'tools/list' || message?.kind === 'response';
}
