/**
 * The pass that masks secrets in all that a server sends. It stands nearest to the server: what others read and record
 * is masked.
 */
import type { Exchange } from '../exchange.ts';
import { asRecord } from '../json/record.ts';
import type { Pass } from '../passes.ts';
import { asksForSecrets, type Asked } from './asks-for-secrets.ts';
import { maskJson } from './mask-json.ts';
import { suspect, maskText } from './mask-text.ts';

/** Tasks whose results are asked for without the arguments that made them; the oldest is forgotten. */
const MAX_TASKS = 1_000;

export function createMasking(): Pass {
  const tasks = new Map<string, Asked>();

  function remember(message: Buffer, asked: Asked): void {
    const result = asRecord(asRecord(JSON.parse(message.toString('utf8')))['result']);
    const id = asRecord(result['task'])['taskId'] ?? result['taskId'];
    if (typeof id !== 'string') return;
    tasks.set(id, asked);
    if (tasks.size > MAX_TASKS) tasks.delete(tasks.keys().next().value!);
  }

  const askedBy = ({ message }: Exchange): Asked =>
    message?.method.startsWith('tasks/')
      ? (tasks.get(message.target ?? '') ?? 'nothing')
      : asksForSecrets(message);

  return {
    name: 'mask',
    needs: ['result'],
    result(exchange) {
      // What a tool is does not depend on data; pins and callers read it as the server wrote it.
      if (exchange.message?.method === 'tools/list') return undefined;
      const asked = askedBy(exchange);
      if (asked === 'nothing')
        return (message) => (suspect(message) === 0 ? message : maskMessage(message, asked));
      return (message) => {
        if (message.includes('askId')) remember(message, asked);
        return maskMessage(message, asked);
      };
    },
  };
}

/** @throws {SyntaxError} for what looks like JSON and is none: clients may read more of it than is seen here */
export function maskMessage(message: Buffer, asked: Asked): Buffer {
  const first = /^\s*(\S)/.exec(message.toString('latin1', 0, 256))?.[1];
  if (message.length === 0) return message;
  const around = { asked: asked !== 'nothing', depth: 0 };
  if (first === '{' || first === '[')
    return maskJson(
      message,
      { ...around, own: 'message', ...(asked === 'values' && { whole: true }) },
      suspect,
      maskText,
    );
  const text = message.toString('utf8');
  const masked = asked === 'values' ? '***' : maskText(text, around);
  return masked === text ? message : Buffer.from(masked);
}
