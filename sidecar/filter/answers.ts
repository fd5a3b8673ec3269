/** Answers to requests about resources, as a caller may read them. Pure. */
import type { ClientMessage } from '../client-message.ts';
import { members } from '../json/members.ts';
import type { Exchange } from '../exchange.ts';
import { refusalBody, refuse, type Refusal } from '../reasons.ts';

/** The specifications' codes for a resource that is not there, and that of Python's servers for whatever they throw. */
const NOT_FOUND = new Set([-32002, -32602, 0]);

/** What a resource that is not there is answered with, in the caller's era. */
export const resourceUnknown = ({ message }: Exchange): Refusal =>
  refuse(message?.era === 'modern' ? 'resource-unknown' : 'resource-unknown-legacy', message?.target);

/** The server's own way of saying that there is no such resource becomes ours, which forbidden ones get. */
export function createNotFoundEditor(refusal: Refusal, id: string | undefined): (message: Buffer) => Buffer {
  return (message) => {
    if (!message.includes('"error"') && !message.includes('\\u')) return message;
    const { error } = JSON.parse(message.toString('utf8')) as { error?: { code?: unknown } };
    return typeof error?.code === 'number' && NOT_FOUND.has(error.code)
      ? Buffer.from(refusalBody(refusal, id))
      : message;
  };
}

/** What one caller may read and another may not is nobody's to share (2026-07-28, caching). */
export function markPrivate(message: Buffer): Buffer {
  if (!message.includes('"cacheScope"') && !message.includes('\\u')) return message;
  const result = members(message).get('result');
  const scope = result && members(message, result.start).get('cacheScope');
  return scope
    ? Buffer.concat([message.subarray(0, scope.start), Buffer.from('"private"'), message.subarray(scope.end)])
    : message;
}

/**
 * Takes values out of a completion of a resource template that would make the URI of a forbidden resource. How many
 * there are in all is not said then.
 */
export function createCompletionEditor(
  { raw, target = '', document }: ClientMessage,
  mayKnow: (uri: string) => boolean,
): (message: Buffer) => Buffer {
  const at = (key: string): Record<string, unknown> => {
    const span = document.params.get(key);
    const value: unknown = span && JSON.parse(raw.toString('utf8', span.start, span.end));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  };
  const { name } = at('argument');
  const known = (at('context')['arguments'] ?? {}) as Record<string, unknown>;
  return (message) => {
    const value = JSON.parse(message.toString('utf8')) as { result?: { completion?: { values?: unknown } } };
    const values = value.result?.completion?.values;
    if (!Array.isArray(values)) return message;
    const result = members(message).get('result');
    const completion = result && members(message, result.start).get('completion');
    if (!completion) return message;
    const kept = values.filter((each) => {
      const uri = expanded(target, { ...known, [String(name)]: each });
      return uri === undefined || mayKnow(uri);
    });
    return Buffer.concat([
      message.subarray(0, completion.start),
      Buffer.from(JSON.stringify({ values: kept })),
      message.subarray(completion.end),
    ]);
  };
}

/**
 * RFC 6570, as far as servers' templates go; undefined while a variable has no value. The template is the caller's:
 * the expression must not read a text twice, however many braces it opens.
 */
function expanded(template: string, values: Record<string, unknown>): string | undefined {
  let isWhole = true;
  const uri = template.replaceAll(/\{[+#./;?&]?([\w.]+)(?:[^\w.{}][^{}]*)?\}/g, (_, name: string) => {
    if (typeof values[name] !== 'string') isWhole = false;
    return String(values[name]);
  });
  return isWhole ? uri : undefined;
}
