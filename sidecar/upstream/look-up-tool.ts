import { hash } from 'node:crypto';
import { CLIENT_CAPABILITIES_KEY, type ClientMessage } from '../client-message.ts';
import type { Exchange } from '../exchange.ts';
import type { LookUpTool } from '../filter/tool-filter.ts';
import { callersDialect } from './callers-dialect.ts';
import type { HttpPool } from './http-pool.ts';
import type { Dialect } from './mcp-request.ts';
import { ListRefusedError, listTools, type CatalogueTool } from './list-tools.ts';

/** A caller who asks for one unknown name after another makes the server list its tools this often and no more. */
const RELIST_MS = 2_000;
/** A tool that was in the list is taken to be there for this long. */
const KNOWN_MS = 30_000;
const MAX_LISTS = 32;

type Tools = ReadonlyMap<string, CatalogueTool>;

interface CallersList {
  readonly tools: Promise<Tools>;
  readonly listedAtMs: number;
}

/** Lists the tools on the caller's own session and looks there for a name that the catalogue lacks. */
/** @param dialectOf how to speak to the server on the caller's own session */
export function lookUpTool(
  pool: HttpPool,
  dialectOf: (exchange: Exchange) => Dialect | Promise<Dialect> = callersDialect,
  now: () => number = Date.now,
): LookUpTool {
  const lists = new Map<string, CallersList>();

  function list(exchange: Exchange, key: string): CallersList {
    if (lists.size >= MAX_LISTS) lists.delete(lists.keys().next().value ?? '');
    const made = { tools: listForCaller(exchange), listedAtMs: now() };
    lists.delete(key);
    lists.set(key, made);
    return made;
  }

  async function listForCaller(exchange: Exchange): Promise<Tools> {
    try {
      return await listTools(pool, await dialectOf(exchange));
    } catch (error) {
      // To a caller who gets no list, one without a session say, every tool is unknown: another answer than that to a
      // forbidden tool would tell which names exist.
      if (error instanceof ListRefusedError && error.status < 500) return new Map();
      throw error;
    }
  }

  return async (exchange, name) => {
    const { session, principal, message } = exchange;
    const key = `${session?.sealed ?? principal.digest}\n${message?.era}\n${capabilitiesIn(message)}`;
    const last = lists.get(key);
    if (last) {
      const ageMs = now() - last.listedAtMs;
      // A failure counts as a list: a server in trouble is not asked more often than a sound one.
      if (ageMs < RELIST_MS) return (await last.tools).get(name);
      const tool = ageMs < KNOWN_MS ? await last.tools.then((tools) => tools.get(name), nothing) : undefined;
      if (tool) return tool;
      const newer = lists.get(key);
      if (newer && newer !== last) return (await newer.tools).get(name);
    }
    return (await list(exchange, key).tools).get(name);
  };
}

/** Servers list by them, too. */
function capabilitiesIn(message: ClientMessage | undefined): string {
  const span = message?.document.meta.get(CLIENT_CAPABILITIES_KEY);
  return span && message ? hash('sha256', message.raw.subarray(span.start, span.end)) : '';
}

function nothing(): undefined {}
