import { PROTOCOL_VERSION } from './message.ts';

/** One hostile, or honest, request: the bytes that go to the sidecar. */
export interface Input {
  readonly rule: string;
  readonly title: string;
  /**
   * `refused`: no server may see it. `understood`: every server of the era must, and alike. `judged`: either, as long as
   * servers and audit agree.
   */
  readonly expect: 'refused' | 'understood' | 'judged';
  readonly era: 'legacy' | 'modern';
  readonly bytes: Buffer;
  /** The bytes may be two requests, or none, for a parser that errs. */
  readonly framing?: true;
  /** Servers that refuse it though they should not. */
  readonly refusedBy?: readonly string[];
}

export type Header = readonly [name: string, value: string];

export const LEGACY_HEADERS: readonly Header[] = [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
];
export const modernHeaders = (method: string, name?: string): readonly Header[] => [
  ...LEGACY_HEADERS,
  ['MCP-Protocol-Version', PROTOCOL_VERSION],
  ['Mcp-Method', method],
  ...(name === undefined ? [] : [['Mcp-Name', name] as const]),
];

/** A whole request, closed after its answer; `Content-Length` comes last. */
export function post(body: string | Buffer, headers: readonly Header[] = LEGACY_HEADERS): Buffer {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([head([...headers, ['Content-Length', String(bytes.length)]]), bytes]);
}

export const head = (headers: readonly Header[], line = 'POST /mcp HTTP/1.1'): Buffer =>
  Buffer.from(
    [
      line,
      'Host: 127.0.0.1',
      'Connection: close',
      ...headers.map(([name, value]) => `${name}: ${value}`),
      '\r\n',
    ].join('\r\n'),
    'latin1',
  );

type Titled = readonly [title: string, body: string | Buffer];

/** Bodies of the era of sessions, all with the same expectation. */
export const legacy = (rule: string, expect: Input['expect'], bodies: Iterable<Titled>): Input[] =>
  [...bodies].map(([title, body]) => ({ rule, title, expect, era: 'legacy', bytes: post(body) }));
