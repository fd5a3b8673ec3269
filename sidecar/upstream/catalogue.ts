/**
 * The sidecar's own view of the server: whether it is there, which era it speaks and which tools it has. Kept by one
 * session of the sidecar's own, with a stream that tells of changes and, at once, of the server's end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { connectMcp, disconnectMcp, type McpConnection } from './connect-mcp.ts';
import type { HttpPool } from './http-pool.ts';
import { type CatalogueTool, type Define, listDefinitions, listTools } from './list-tools.ts';
import { rpc, type Dialect } from './mcp-request.ts';
import { UpstreamError } from './upstream-error.ts';
import { watchChanges } from './watch-changes.ts';

export interface CatalogueState {
  readonly connected: boolean;
  readonly era?: Dialect['era'];
  readonly version?: string;
  /** Why the server is not connected. */
  readonly error?: string;
  /** Undefined until they have been listed once. */
  readonly tools?: ReadonlyMap<string, CatalogueTool>;
}

export interface Catalogue {
  state(): CatalogueState;
  /** The tools, waiting for the first list at most `waitMs`; undefined when it has not come by then. */
  tools(
    waitMs: number,
  ): ReadonlyMap<string, CatalogueTool> | undefined | Promise<ReadonlyMap<string, CatalogueTool> | undefined>;
  /** Real traffic found the server away, or there again: look now. */
  hint(serverIsThere: boolean): void;
  /** True until the server has been reached once, for as long as a server may take to start. */
  starting(): boolean;
  /** Somebody was shown another tool than is known here: look now, whatever the server says of changes. */
  relist(): void;
  /** Every tool as the server has it now. @throws {UpstreamError} */
  definitions(): Promise<unknown[]>;
  close(): void;
}

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** Until the server has been there once it is asked more often. */
const MAX_START_RETRY_MS = 250;
const START_MS = 10_000;
/** A server that ends its stream at once must not be asked in a loop. */
const REOPEN_MS = 200;
/** Nor one that announces changed tools whenever it is asked for them, nor one that real traffic finds away and there in turns. */
const RELIST_MS = 200;
const CHECK_INTERVAL_MS = 10_000;
const CHECK_TIMEOUT_MS = 5_000;

export function createCatalogue(
  pool: HttpPool,
  changed: (state: CatalogueState) => void,
  connect: () => Promise<McpConnection> = () => connectMcp(pool),
  define?: Define,
  shaped = false,
): Catalogue {
  let connected: McpConnection | undefined;
  let relist = nothing;
  let state: CatalogueState = { connected: false, error: 'not connected yet' };
  let closed = false;
  let reached = false;
  const createdAtMs = Date.now();
  const waiters = new Set<() => void>();
  let woken = false;
  let endSleep = nothing;
  const wake = (): void => {
    woken = true;
    endSleep();
  };

  function set(given: CatalogueState): void {
    const next = sameTools(given.tools, state.tools)
      ? { ...given, ...(state.tools ? { tools: state.tools } : {}) }
      : given;
    const news =
      next.connected !== state.connected || next.error !== state.error || next.tools !== state.tools;
    state = next;
    if (next.tools) {
      for (const waiter of waiters) waiter();
      waiters.clear();
    }
    if (news && !closed) changed(state);
  }

  const starting = (): boolean => !reached && Date.now() - createdAtMs < START_MS;

  async function run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    for (;;) {
      if (closed) return;
      try {
        const connection = await connect();
        const tools = await toolsOf(connection);
        retryMs = FIRST_RETRY_MS;
        reached = true;
        set({ connected: true, era: connection.dialect.era, version: connection.dialect.version, tools });
        await stay(connection);
      } catch (error) {
        set({ ...state, connected: false, error: (error as Error).message });
      }
      // Calls that succeed while the sidecar's own session is refused must not become attempts, one for each.
      await delay(retryMs / 2, undefined, { ref: false });
      await sleep(retryMs / 2);
      retryMs = Math.min(retryMs * 2, starting() ? MAX_START_RETRY_MS : MAX_RETRY_MS);
    }
  }

  /** Returns never; throws when the connection is lost. */
  async function stay(connection: McpConnection): Promise<never> {
    const { dialect } = connection;
    let listChanged = false;
    let open = false;
    let supported = true;
    let watch = { close: nothing };
    let reopenMs = REOPEN_MS;
    let reopenAtMs = 0;
    const toolsChanged = (): void => {
      listChanged = true;
      wake();
    };
    connected = connection;
    relist = toolsChanged;
    try {
      for (;;) {
        if (!open && supported && performance.now() >= reopenAtMs) {
          open = true;
          const openedMs = performance.now();
          watch = watchChanges(pool, dialect, {
            // What changed before the stream was open was told to nobody.
            opened: toolsChanged,
            toolsChanged,
            ended: (streamed) => {
              open = false;
              supported = streamed;
              const endedMs = performance.now();
              reopenAtMs = endedMs + reopenMs;
              setTimeout(wake, reopenMs).unref();
              reopenMs =
                endedMs - openedMs > CHECK_INTERVAL_MS
                  ? REOPEN_MS
                  : Math.min(reopenMs * 2, CHECK_INTERVAL_MS);
            },
          });
        }
        // News may have come while the last list was on its way.
        if (!listChanged) await sleep(CHECK_INTERVAL_MS);
        if (closed) throw new Error('closed');
        const checkedMs = performance.now();
        await check(dialect);
        // Without a stream to tell of changes the list is read again.
        if (listChanged || !supported) {
          listChanged = false;
          set({ ...state, tools: await toolsOf(connection) });
        }
        await delay(Math.max(0, checkedMs + RELIST_MS - performance.now()), undefined, { ref: false });
      }
    } catch (error) {
      // A server that was only slow would keep a session for each time.
      if (!(error instanceof SessionLostError)) disconnectMcp(pool, connection);
      throw error;
    } finally {
      connected = undefined;
      relist = nothing;
      watch.close();
    }
  }

  async function check(dialect: Dialect): Promise<void> {
    const method = dialect.era === 'modern' ? 'server/discover' : 'ping';
    const answer = await rpc(pool, dialect, method, {}, { timeoutMs: CHECK_TIMEOUT_MS });
    const words = `${method} was answered ${answer.status}`;
    if (answer.status === 404) throw new SessionLostError(words);
    if (answer.status >= 500) throw new Error(words);
  }

  function toolsOf({ dialect, capabilities }: McpConnection): Promise<Map<string, CatalogueTool>> {
    return 'tools' in capabilities ? listTools(pool, dialect, define, shaped) : Promise.resolve(new Map());
  }

  async function sleep(forMs: number): Promise<void> {
    // What happened while nobody slept has not been looked at yet.
    if (!woken)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, forMs).unref();
        endSleep = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    woken = false;
  }

  void run();
  return {
    state: () => state,
    tools(waitMs) {
      if (state.tools) return state.tools;
      return new Promise((resolve) => {
        const loaded = (): void => {
          clearTimeout(timer);
          resolve(state.tools);
        };
        const timer = setTimeout(() => {
          waiters.delete(loaded);
          resolve(state.tools);
        }, waitMs);
        waiters.add(loaded);
      });
    },
    hint(serverIsThere) {
      reached ||= serverIsThere;
      if (serverIsThere !== state.connected) wake();
    },
    starting,
    relist: () => relist(),
    async definitions() {
      if (!connected) throw new UpstreamError(state.error ?? 'not connected');
      return 'tools' in connected.capabilities ? listDefinitions(pool, connected.dialect) : [];
    },
    close() {
      closed = true;
      wake();
    },
  };
}

class SessionLostError extends Error {}

type Tools = CatalogueState['tools'];

function sameTools(some: Tools, others: Tools): boolean {
  return (
    some !== undefined &&
    some.size === others?.size &&
    [...some.values()].every((tool) => isDeepStrictEqual(tool, others.get(tool.name)))
  );
}

function nothing(): void {}
