import { PROTOCOL_VERSION_KEY, text, type ClientMessage } from '../client-message.ts';
import { mirroredValue } from '../mirrored-value.ts';
import { refuse, type Refusal } from '../reasons.ts';

/** Methods whose `Mcp-Name` the core specification requires (2026-07-28, Standard Request Headers). */
const NAME_REQUIRED = new Set(['tools/call', 'prompts/get', 'resources/read']);
/** Those of the tasks extension, whose `Mcp-Name` is the task's id: compared where it is sent. */
const NAME_COMPARED = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);

/** Header names by their length, for most headers are told apart by that alone. */
const MIRRORED = new Map([
  [20, 'mcp-protocol-version'],
  [10, 'mcp-method'],
  [8, 'mcp-name'],
]);
type Mirrored = Map<string, string>;

/**
 * Compares the headers in which a request of 2026-07-28 repeats its body with that body, so that whoever decides by the
 * one and whoever decides by the other decide on the same call. The body says which era it is: of a request without the
 * version in `_meta` no header is judged, whatever version a header names; such a request is the server's to refuse.
 * `Mcp-Param-*` need the tool's schema and are the server's to check.
 * @param rawHeaders names and values in turn, for Node's own view joins repeated headers
 */
export function mirroredHeadersProblem(
  message: ClientMessage,
  rawHeaders: readonly string[],
): Refusal | undefined {
  if (message.era !== 'modern') return undefined;
  const found: Mirrored = new Map();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = MIRRORED.get(rawHeaders[at]!.length);
    if (name === undefined || rawHeaders[at]!.toLowerCase() !== name) continue;
    if (found.has(name)) return mismatch(`${name} is there twice`);
    found.set(name, rawHeaders[at + 1]!);
  }
  const { raw, document, kind, method, target } = message;
  const version = text(raw, document.meta.get(PROTOCOL_VERSION_KEY));
  if (version === undefined) return refuse('params-invalid', `"${PROTOCOL_VERSION_KEY}" is not a string`);
  const required = kind === 'request';
  return (
    compare(found, 'mcp-protocol-version', version, required) ??
    compare(found, 'mcp-method', method, required) ??
    compareName(found, method, target)
  );
}

function compare(found: Mirrored, name: string, expected: string, required: boolean): Refusal | undefined {
  const value = found.get(name);
  if (value === expected || (value === undefined && !required)) return undefined;
  return mismatch(value === undefined ? `${name} is missing` : `${name} is not what the body says`);
}

function compareName(found: Mirrored, method: string, target: string | undefined): Refusal | undefined {
  const required = NAME_REQUIRED.has(method);
  if (target === undefined || !(required || NAME_COMPARED.has(method))) return undefined;
  const value = found.get('mcp-name');
  if (value === undefined) return required ? mismatch('mcp-name is missing') : undefined;
  const decoded = mirroredValue(value);
  if (decoded === undefined) return mismatch('mcp-name is malformed');
  return decoded === target ? undefined : mismatch('mcp-name is not what the body says');
}

const mismatch = (detail: string): Refusal => refuse('header-mismatch', detail);
