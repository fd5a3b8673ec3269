/** What the server tells besides lists, as a caller may read it. Pure. */
import { elements, members } from '../json/members.ts';
import { fold } from '../json/shapes.ts';
import { ResultRefusedError } from '../passes.ts';
import { refuse } from '../reasons.ts';
import { countMembers } from './call-arguments.ts';

export interface Told {
  /** Whether the caller may know of a resource. Undefined: everything. */
  readonly resource?: ((uri: string) => boolean) | undefined;
  /** Whether users may be asked to open a URL. Undefined: any. */
  readonly url?: ((url: string) => boolean) | undefined;
  readonly subscriptions: boolean;
}

/** Nothing of the message goes out. */
const NOTHING = Buffer.alloc(0);

/**
 * Drops news of resources that the caller may not read, and takes them out of what a subscription is said to hold.
 * @param dropsUrls on streams that many requests share: there a question with a forbidden URL is left out, elsewhere
 *   its call fails
 * @throws {ResultRefusedError}
 */
export function createToldEditor(told: Told, dropsUrls: boolean): (message: Buffer) => Buffer {
  return (message) => {
    if (!mayMatter(message, told)) return message;
    const value = parse(message);
    const { method, params, result, error } = value;
    if (told.url && asksForOther(message, value, told.url)) {
      if (dropsUrls) return NOTHING;
      throw new ResultRefusedError(refuse('url-forbidden'));
    }
    if (result !== undefined || error !== undefined) return message;
    if (method === 'notifications/resources/updated') {
      const uri = params?.['uri'];
      return typeof uri === 'string' && told.subscriptions && (told.resource?.(uri) ?? true)
        ? message
        : NOTHING;
    }
    return method === 'notifications/subscriptions/acknowledged' ? acknowledged(message, told) : message;
  };
}

/** Cheap, and never wrong in saying no: keys may be written with escapes. */
const mayMatter = (message: Buffer, { resource, subscriptions, url }: Told): boolean =>
  message.includes('\\u') ||
  ((resource !== undefined || !subscriptions) &&
    (message.includes('resources/updated') || message.includes('subscriptions/acknowledged'))) ||
  (url !== undefined && /"url"/i.test(message.toString('latin1')));

/** A subscription to a forbidden resource looks like one to a resource that the server does not know. */
function acknowledged(message: Buffer, { resource, subscriptions }: Told): Buffer {
  const params = members(message).get('params');
  const notifications = params && members(message, params.start).get('notifications');
  const list = notifications && members(message, notifications.start).get('resourceSubscriptions');
  if (!list || message[list.start] !== 0x5b) return message;
  const kept = elements(message, list.start)
    .map(({ start, end }) => message.toString('utf8', start, end))
    .filter((text) => {
      const uri: unknown = JSON.parse(text);
      return typeof uri === 'string' && subscriptions && (resource?.(uri) ?? true);
    });
  return Buffer.concat([
    message.subarray(0, list.start),
    Buffer.from(`[${kept.join(',')}]`),
    message.subarray(list.end),
  ]);
}

interface Message {
  readonly method?: unknown;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly data?: { readonly elicitations?: unknown } };
}

/** A question that has two readings, of which clients may show the other, is none that is allowed. */
function asksForOther(message: Buffer, value: Message, isAllowed: (url: string) => boolean): boolean {
  const urls = urlsIn(value);
  return (
    urls.some((url) => !isAllowed(url)) || (urls.length > 0 && countMembers(message) !== membersOf(value))
  );
}

/** Of all objects of a value that JSON.parse has made. */
export const membersOf = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : Object.values(value).reduce<number>(
        (sum, each) => sum + membersOf(each),
        Array.isArray(value) ? 0 : Object.keys(value).length,
      );

/** In a question of 2025-11-25 and its error -32042, and in what a result of 2026-07-28 asks for. */
function urlsIn({ method, params, result, error }: Message): string[] {
  const asked = [
    ...(method === 'elicitation/create' ? [params] : []),
    // Of a call's result, and of a task that waits for answers.
    ...[params, result]
      .flatMap((each) => Object.values(objectOf(each?.['inputRequests'])))
      .map(objectOf)
      .filter((each) => each['method'] === 'elicitation/create')
      .map((each) => each['params']),
    ...(Array.isArray(error?.data?.elicitations) ? (error.data.elicitations as unknown[]) : []),
  ];
  return (
    asked
      .flatMap((each) => Object.entries(objectOf(each)))
      // Go's clients take "URL" for it.
      .filter(([key]) => fold(key) === 'url')
      .map(([, url]) => String(url))
  );
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

function parse(message: Buffer): Message {
  const value: unknown = JSON.parse(message.toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not one JSON message');
  return value as Message;
}
