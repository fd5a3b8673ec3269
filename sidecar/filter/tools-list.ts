import { elements, members } from '../json/members.ts';
import { toolFacts, type DecideTool } from './decide-tool.ts';

/**
 * Takes the tools that are not allowed out of a `tools/list` result, leaving every other byte as the server wrote it.
 * A message is known by its shape and not by the request that it answers, for a stream that is resumed brings results
 * of earlier requests. Equal lists are filtered once. The editor throws on what may hold a list and has no one reading.
 */
export function createToolsListEditor(decide: DecideTool): (message: Buffer) => Buffer {
  let last: { given: Buffer; filtered: Buffer } | undefined;

  return (message) => {
    if (!message.includes('"tools"') && !message.includes('\\u')) return message;
    const known = last && resultAsLastTime(message, last.given);
    if (known !== undefined && last) return splice(message, known, known + last.given.length, last.filtered);
    const value: unknown = parse(message);
    // Clients that are more lenient than JSON (NaN, for one) would see every tool.
    if (value === undefined || Array.isArray(value)) throw new TypeError('not one JSON message');
    const tools = (value as { result?: { tools?: unknown } } | undefined)?.result?.tools;
    if (!Array.isArray(tools)) return message;
    const result = members(message).get('result');
    const list = result && members(message, result.start).get('tools');
    if (!result || !list) return message;
    const kept = elements(message, list.start)
      .filter((_, index) => {
        const facts = toolFacts(tools[index]);
        return facts !== undefined && decide(facts).allowed;
      })
      // Byte by byte, also where the server's bytes are no UTF-8.
      .map(({ start, end }) => message.toString('latin1', start, end));
    const filtered = splice(message, list.start, list.end, Buffer.from(`[${kept.join(',')}]`, 'latin1'));
    const given = message.subarray(result.start, result.end);
    last = {
      given: Buffer.from(given),
      filtered: Buffer.from(filtered.subarray(result.start, filtered.length - (message.length - result.end))),
    };
    return filtered;
  };
}

const RESULT_KEY = '"result":';
/** How far into a message the result starts at most for the short way to be tried: behind `jsonrpc` and `id`. */
const MAX_ENVELOPE_BYTES = 256;

/** Where `given` stands as the message's `result`; what is around it is small and is parsed to be sure. */
function resultAsLastTime(message: Buffer, given: Buffer): number | undefined {
  const key = message.indexOf(RESULT_KEY);
  if (key < 0 || key > MAX_ENVELOPE_BYTES) return undefined;
  const start = key + RESULT_KEY.length;
  const end = start + given.length;
  if (end >= message.length || message.length - end > MAX_ENVELOPE_BYTES) return undefined;
  if (message.compare(given, 0, given.length, start, end) !== 0) return undefined;
  const envelope = parse(
    Buffer.concat([message.subarray(0, start), Buffer.from('null'), message.subarray(end)]),
  );
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
