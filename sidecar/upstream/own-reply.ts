/** Answers that the sidecar writes itself, where it translates. */
import type { Reply } from '../exchange.ts';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

const JSON_HEADERS = { 'content-type': 'application/json' };
const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** A whole JSON answer. */
export function send(reply: Reply, { status, body }: Answer, headers: Record<string, string> = {}): void {
  reply.head({
    status,
    contentType: 'json',
    headers: { ...JSON_HEADERS, ...headers },
    contentLength: body.length,
  });
  reply.chunk(body);
  reply.end();
}

/** Without a body. */
export function sendNothing(reply: Reply, status: number): void {
  reply.head({ status, contentType: 'none', headers: {} });
  reply.end();
}

export const startStream = (reply: Reply): void =>
  reply.head({ status: 200, contentType: 'sse', headers: { ...STREAM_HEADERS } });

/** JSON may hold line ends between its tokens; in an event each line is one of data. */
export const event = (message: Buffer): Buffer =>
  Buffer.from(
    `event: message\n${message
      .toString('latin1')
      .split(/\r\n|\r|\n/)
      .map((line) => `data: ${line}\n`)
      .join('')}\n`,
    'latin1',
  );
