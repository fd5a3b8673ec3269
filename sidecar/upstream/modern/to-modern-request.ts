import {
  MODERN_VERSION,
  CLIENT_CAPABILITIES_KEY,
  CLIENT_INFO_KEY,
  LOG_LEVEL_KEY,
  PROTOCOL_VERSION_KEY,
  type ClientMessage,
} from '../../client-message.ts';
import { asBytes, membersWithout, ofBytes } from '../../json/splice.ts';
import { mirroredHeader } from '../../mirrored-value.ts';

import { argumentAt, type MirroredParam } from '../mirrored-params.ts';

/** What a client said at `initialize` and after, which each request of 2026-07-28 says anew. */
export interface ClientFacts {
  /** Raw JSON. */
  readonly capabilities: string;
  /** Raw JSON. */
  readonly clientInfo: string;
  readonly logLevel?: string;
}

/** The answers of the client to what the server asked, with the server's own state. */
export interface Retry {
  /** Raw JSON by the server's keys. */
  readonly inputResponses: ReadonlyMap<string, string>;
  /** Raw JSON, byte for byte; absent when the server gave none. */
  readonly requestState?: string;
}

const NAMED = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** A request as a server of 2026-07-28 is sent it; values keep their bytes. */
export function modernBody(
  { raw, document, method }: ClientMessage,
  client: ClientFacts,
  { id, retry }: { id: string; retry?: Retry },
): Buffer {
  const reserved: Record<string, string> = {
    [PROTOCOL_VERSION_KEY]: `"${MODERN_VERSION}"`,
    [CLIENT_CAPABILITIES_KEY]: client.capabilities,
    [CLIENT_INFO_KEY]: client.clientInfo,
    ...(client.logLevel === undefined ? {} : { [LOG_LEVEL_KEY]: JSON.stringify(client.logLevel) }),
  };
  const meta = [
    ...membersWithout(raw, document.meta, Object.keys(reserved)),
    ...Object.entries(reserved).map(([key, value]) => asBytes(`${JSON.stringify(key)}:${value}`)),
  ];
  const answers = [...(retry?.inputResponses ?? [])].map(([key, value]) =>
    asBytes(`${JSON.stringify(key)}:${value}`),
  );
  const params = [
    ...membersWithout(raw, document.params, ['_meta', 'inputResponses', 'requestState', 'task']),
    ...(retry ? [`"inputResponses":{${answers.join(',')}}`] : []),
    ...(retry?.requestState === undefined ? [] : [asBytes(`"requestState":${retry.requestState}`)]),
    `"_meta":{${meta.join(',')}}`,
  ];
  return ofBytes(
    `{"jsonrpc":"2.0","id":${asBytes(id)},"method":${JSON.stringify(method)},"params":{${params.join(',')}}}`,
  );
}

/** The headers that repeat it, each line ended by CRLF. */
export function modernHeaderLines(
  { raw, document, method, target }: ClientMessage,
  mirrored: readonly MirroredParam[] = [],
): string {
  const span = document.params.get('arguments');
  const args: unknown =
    mirrored.length > 0 && span ? JSON.parse(raw.toString('utf8', span.start, span.end)) : undefined;
  const lines = [
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Mcp-Protocol-Version: ${MODERN_VERSION}`,
    `Mcp-Method: ${method}`,
    ...(NAMED.has(method) && target !== undefined ? [`Mcp-Name: ${mirroredHeader(target)}`] : []),
    ...mirrored.flatMap(({ header, path }) => {
      const value = argumentAt(args, path);
      return value === undefined || value === null ? [] : [`${header}: ${mirroredHeader(String(value))}`];
    }),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}
