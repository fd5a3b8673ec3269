import { MODERN_VERSION } from '../../client-message.ts';
import type { Exchange, Refusal } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { mirroredHeader } from '../../mirrored-value.ts';
import { AnswerReader } from '../answer-reader.ts';
import { forwardedLines } from '../forwarded-headers.ts';
import type { HttpPool } from '../http-pool.ts';
import type { ClientFacts } from './to-modern-request.ts';

/** Why there was no answer. */
export class NotAnsweredError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.name = 'NotAnsweredError';
    this.refusal = refusal;
  }
}

let lastId = 0;

/**
 * A request about a task, in the name of a client.
 * @param params raw JSON of its other members
 * @returns the server's response
 * @throws {NotAnsweredError}
 */
export function askAboutTask(
  { pool, client, exchange }: { pool: HttpPool; client: ClientFacts; exchange: Exchange },
  method: string,
  { taskId, params = [] }: { taskId: string; params?: readonly string[] },
): Promise<Buffer> {
  const id = `"kubectl-mcp-task-${++lastId}"`;
  const meta = [
    `"io.modelcontextprotocol/protocolVersion":"${MODERN_VERSION}"`,
    `"io.modelcontextprotocol/clientCapabilities":${client.capabilities}`,
    `"io.modelcontextprotocol/clientInfo":${client.clientInfo}`,
  ];
  const inner = [`"taskId":${JSON.stringify(taskId)}`, ...params, `"_meta":{${meta.join(',')}}`];
  const headers = [
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Mcp-Protocol-Version: ${MODERN_VERSION}`,
    `Mcp-Method: ${method}`,
    `Mcp-Name: ${mirroredHeader(taskId)}`,
  ];
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader(
      exchange,
      { id, sessions: false },
      {
        message(data) {
          const top = members(data);
          if (top.has('method') || !top.has('id')) return;
          reader.close();
          call.abort();
          resolve(data);
        },
        wholeAnswer: resolve,
        sessionLost: () => reject(new NotAnsweredError({ reason: 'upstream-not-mcp' })),
        failed: (refusal) => reject(new NotAnsweredError(refusal)),
      },
    );
    const call = pool.send(
      {
        method: 'POST',
        headerLines: headers.map((line) => `${line}\r\n`).join(''),
        forwarded: forwardedLines(exchange),
        body: Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${inner.join(',')}}}`),
        owner: exchange.principal.digest,
      },
      reader,
    );
  });
}
