import { elements, members } from '../json/members.ts';
import { toolFacts, type DecideTool } from './decide-tool.ts';

/** What is left in the lists of a result: by the list's key, whether an element stays, or what is there instead. */
export type Lists = Readonly<Record<string, (element: unknown, bytes: Buffer) => boolean | string>>;

/** @see createListEditor */
export const createToolsListEditor = (decide: DecideTool): ((message: Buffer) => Buffer) =>
  createListEditor({
    tools(element) {
      const facts = toolFacts(element);
      return facts !== undefined && decide(facts).allowed;
    },
  });

/**
 * Takes what is not allowed out of the lists of a result, leaving every other byte as the server wrote it.
 * A message is known by its shape and not by the request that it answers, for a stream that is resumed brings results
 * of earlier requests. Equal lists are filtered once. The editor throws on what may hold a list and has no one reading.
 * @param perCaller whether another caller may get another list: then no cache may share it (2026-07-28, caching)
 * @param checked throws on a message in which some clients would find another list than is judged
 */
export function createListEditor(
  lists: Lists,
  perCaller = false,
  checked?: (message: Buffer) => void,
): (message: Buffer) => Buffer {
  const quoted = Object.keys(lists).map((key) => [key, `"${key}"`] as const);
  let last: { given: Buffer; filtered: Buffer } | undefined;

  return (message) => {
    if (!checked && !message.includes('\\u') && !quoted.some(([, text]) => message.includes(text)))
      return message;
    const known = last && resultAsLastTime(message, last.given, checked);
    if (known !== undefined && last) return splice(message, known, known + last.given.length, last.filtered);
    const value: unknown = parse(message);
    // Clients that are more lenient than JSON (NaN, for one) would see every tool.
    if (value === undefined || Array.isArray(value)) throw new TypeError('not one JSON message');
    checked?.(message);
    const given = (value as { result?: Record<string, unknown> } | undefined)?.result;
    const held = quoted.filter(([key]) => Array.isArray(given?.[key]));
    const result = held.length > 0 ? members(message).get('result') : undefined;
    if (!result) return message;
    const inside = members(message, result.start);
    const cuts = held.flatMap(([key]) => {
      const span = inside.get(key);
      const stays = lists[key];
      if (!span || !stays) return [];
      const elementsGiven = given?.[key] as unknown[];
      const kept = elements(message, span.start)
        .map(({ start, end }, index) => {
          const stay = stays(elementsGiven[index], message.subarray(start, end));
          // Byte by byte, also where the server's bytes are no UTF-8.
          return stay === true ? message.toString('latin1', start, end) : stay;
        })
        .filter((each) => each !== false);
      return [{ ...span, by: `[${kept.join(',')}]` }];
    });
    const scope = perCaller ? inside.get('cacheScope') : undefined;
    if (scope) cuts.push({ ...scope, by: '"private"' });
    let filtered = message;
    for (const { start, end, by } of cuts.toSorted((one, other) => other.start - one.start))
      filtered = splice(filtered, start, end, Buffer.from(by, 'latin1'));
    last =
      perCaller && result.end - result.start > MAX_KEPT_BYTES
        ? undefined
        : {
            given: Buffer.from(message.subarray(result.start, result.end)),
            filtered: Buffer.from(
              filtered.subarray(result.start, filtered.length - (message.length - result.end)),
            ),
          };
    return filtered;
  };
}

/** Where there is a list for each of many callers. */
const MAX_KEPT_BYTES = 256 * 1024;
const RESULT_KEY = '"result":';
/** How far into a message the result starts at most for the short way to be tried: behind `jsonrpc` and `id`. */
const MAX_ENVELOPE_BYTES = 256;

/** Where `given` stands as the message's `result`; what is around it is small and is parsed to be sure. */
function resultAsLastTime(
  message: Buffer,
  given: Buffer,
  checked: ((message: Buffer) => void) | undefined,
): number | undefined {
  const key = message.indexOf(RESULT_KEY);
  if (key < 0 || key > MAX_ENVELOPE_BYTES) return undefined;
  const start = key + RESULT_KEY.length;
  const end = start + given.length;
  if (end >= message.length || message.length - end > MAX_ENVELOPE_BYTES) return undefined;
  if (message.compare(given, 0, given.length, start, end) !== 0) return undefined;
  const around = Buffer.concat([message.subarray(0, start), Buffer.from('null'), message.subarray(end)]);
  const envelope = parse(around);
  if (envelope !== undefined) checked?.(around);
  return (envelope as { result?: unknown } | undefined)?.result === null ? start : undefined;
}

const splice = (bytes: Buffer, start: number, end: number, by: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, start), by, bytes.subarray(end)]);

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
