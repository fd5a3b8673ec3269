import { hash } from 'node:crypto';
import { CLIENT_CAPABILITIES_KEY, type ClientMessage } from '../client-message.ts';
import type { Exchange } from '../exchange.ts';
import type { LookUpPrompt } from '../filter/authorization.ts';
import { callersDialect } from './callers-dialect.ts';
import type { HttpPool } from './http-pool.ts';
import type { Dialect } from './mcp-request.ts';
import { callerOf, callersPool } from './token/caller.ts';
import { type CatalogueTool, type Define, ListRefusedError, listPrompts, listTools } from './list-tools.ts';

/** A caller who asks for one unknown name after another makes the server list its tools this often and no more. */
const RELIST_MS = 2_000;
/** A tool that was in the list is taken to be there for this long. */
const KNOWN_MS = 30_000;
const MAX_LISTS = 32;

type Listed<Value> = ReadonlyMap<string, Value>;
type DialectOf = (exchange: Exchange) => Dialect | Promise<Dialect>;

interface CallersList<Value> {
  readonly found: Promise<Listed<Value>>;
  readonly listedAtMs: number;
}

/**
 * Lists the tools on the caller's own session and looks there for a name that the catalogue lacks.
 * @param dialectOf how to speak to the server on the caller's own session
 * @param define where tools are pinned
 * @param shaped where a policy may override arguments
 */
export const lookUpTool = (
  pool: HttpPool,
  dialectOf: DialectOf = callersDialect,
  now: () => number = Date.now,
  define?: Define,
  shaped = false,
): ((exchange: Exchange, name: string) => Promise<CatalogueTool | undefined>) =>
  lookUpIn(
    (dialect, exchange) => listTools(callersPool(pool, exchange), dialect, define, shaped),
    dialectOf,
    now,
  );

/** The same of a prompt. */
export function lookUpPrompt(pool: HttpPool, dialectOf: DialectOf): LookUpPrompt {
  const lookUp = lookUpIn(
    (dialect, exchange) => listPrompts(callersPool(pool, exchange), dialect),
    dialectOf,
    Date.now,
  );
  return async (exchange, name) => (await lookUp(exchange, name)) !== undefined;
}

function lookUpIn<Value>(
  listAll: (dialect: Dialect, exchange: Exchange) => Promise<Listed<Value>>,
  dialectOf: DialectOf,
  now: () => number,
): (exchange: Exchange, name: string) => Promise<Value | undefined> {
  const lists = new Map<string, CallersList<Value>>();

  function list(exchange: Exchange, key: string): CallersList<Value> {
    if (lists.size >= MAX_LISTS) lists.delete(lists.keys().next().value ?? '');
    const made = { found: listForCaller(exchange), listedAtMs: now() };
    lists.delete(key);
    lists.set(key, made);
    return made;
  }

  async function listForCaller(exchange: Exchange): Promise<Listed<Value>> {
    try {
      return await listAll(await dialectOf(exchange), exchange);
    } catch (error) {
      // To a caller who gets no list, one without a session say, every tool is unknown: another answer than that to a
      // forbidden tool would tell which names exist.
      if (error instanceof ListRefusedError && error.status < 500) return new Map();
      throw error;
    }
  }

  return async (exchange, name) => {
    const { session, principal, message } = exchange;
    // Of two tokens of one principal the server may list more to the one than to the other.
    const token = callerOf(exchange)?.token ?? '';
    const key = `${session?.sealed ?? principal.digest}\n${message?.era}\n${capabilitiesIn(message)}\n${token}`;
    const last = lists.get(key);
    if (last) {
      const ageMs = now() - last.listedAtMs;
      // A failure counts as a list: a server in trouble is not asked more often than a sound one.
      if (ageMs < RELIST_MS) return (await last.found).get(name);
      const tool = ageMs < KNOWN_MS ? await last.found.then((found) => found.get(name), nothing) : undefined;
      if (tool) return tool;
      const newer = lists.get(key);
      if (newer && newer !== last) return (await newer.found).get(name);
    }
    return (await list(exchange, key).found).get(name);
  };
}

/** Servers list by them, too. */
function capabilitiesIn(message: ClientMessage | undefined): string {
  const span = message?.document.meta.get(CLIENT_CAPABILITIES_KEY);
  return span && message ? hash('sha256', message.raw.subarray(span.start, span.end)) : '';
}

function nothing(): undefined {}
