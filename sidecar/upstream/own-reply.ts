/** Answers that the sidecar writes itself, where it translates. */
import type { Reply } from '../exchange.ts';
import { EVENT_STREAM_HEADERS } from '../sse.ts';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

const JSON_HEADERS = { 'content-type': 'application/json' };

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
  reply.head({ status: 200, contentType: 'sse', headers: { ...EVENT_STREAM_HEADERS } });
