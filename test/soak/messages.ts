/** What the soak's clients say. */
import { get, openWire, post, type Caller, type Wire } from './wire.ts';

const LEGACY = '2025-11-25';
const MODERN = '2026-07-28';
const CLIENT = '{"name":"soak","version":"1"}';

export const initialize = (caller: Caller): string =>
  post(
    caller,
    `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"${LEGACY}","capabilities":{},"clientInfo":${CLIENT}}}`,
  );

export const initialized = (caller: Caller, session: string): string =>
  post(caller, '{"jsonrpc":"2.0","method":"notifications/initialized"}', sessionHeaders(session));

export function call(caller: Caller, session: string, tool: string, argumentsJson = '{}', id = 2): string {
  return post(
    caller,
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":${argumentsJson}}}`,
    sessionHeaders(session),
  );
}

/** The listen stream of the era of sessions. */
export const legacyListen = (caller: Caller, session: string): string => get(caller, sessionHeaders(session));

/** The listen stream of 2026-07-28. */
export const modernListen = (caller: Caller, id: number): string =>
  modern(caller, id, 'subscriptions/listen', '"notifications":{"toolsListChanged":true}');

/** A call of 2026-07-28, which needs no session. */
export const modernCall = (caller: Caller, tool: string, argumentsJson: string): string =>
  modern(caller, 2, 'tools/call', `"name":"${tool}","arguments":${argumentsJson}`, `Mcp-Name: ${tool}\r\n`);

function modern(caller: Caller, id: number, method: string, members: string, headers = ''): string {
  const meta =
    `"io.modelcontextprotocol/protocolVersion":"${MODERN}","io.modelcontextprotocol/clientCapabilities":{},` +
    `"io.modelcontextprotocol/clientInfo":${CLIENT}`;
  return post(
    caller,
    `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${members},"_meta":{${meta}}}}`,
    `Mcp-Protocol-Version: ${MODERN}\r\nMcp-Method: ${method}\r\n${headers}`,
  );
}

/** A session as a polite client opens it. */
export async function openSession(caller: Caller): Promise<{ wire: Wire; session: string }> {
  const wire = await openWire(caller);
  const { sessionId: session, status } = await wire.ask(initialize(caller));
  if (!session) throw new Error(`initialize was answered ${status} without a session`);
  await wire.ask(initialized(caller, session));
  return { wire, session };
}

const sessionHeaders = (session: string): string =>
  `Mcp-Session-Id: ${session}\r\nMcp-Protocol-Version: ${LEGACY}\r\n`;
