/** Messages written by hand, for what is wanted here is what serialisers do not write. */

/** A key as it stands between the quotes, and a value as it stands. */
export type Member = readonly [key: string, value: string];

export const object = (...members: readonly Member[]): string =>
  `{${members.map(([key, value]) => `"${key}":${value}`).join(',')}}`;

export const quoted = (text: string): string => JSON.stringify(text);

export const ENVELOPE: readonly Member[] = [
  ['jsonrpc', '"2.0"'],
  ['id', '1'],
];
export const PROTOCOL_VERSION = '2026-07-28';
/** `_meta` of a request of 2026-07-28. */
export const META: readonly Member[] = [
  ['io.modelcontextprotocol/protocolVersion', quoted(PROTOCOL_VERSION)],
  ['io.modelcontextprotocol/clientInfo', object(['name', '"corpus"'], ['version', '"1"'])],
  ['io.modelcontextprotocol/clientCapabilities', '{}'],
];
export const MODERN: Member = ['_meta', object(...META)];

/** A request of the given method; `params` as members. */
export const request = (method: string, ...params: readonly Member[]): string =>
  object(...ENVELOPE, ['method', quoted(method)], ['params', object(...params)]);

export const callSafe = (...more: readonly Member[]): string =>
  request('tools/call', ['name', '"safe"'], ...more);

/** The same text with every character as an escape. */
export const escaped = (text: string): string =>
  [...Array(text.length).keys()]
    .map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
