/** Headers that say another thing than the body, or than each other. */
import { LEGACY_HEADERS, modernHeaders, post, type Header, type Input } from '../input.ts';
import {
  callSafe,
  META,
  MODERN,
  object,
  PROTOCOL_VERSION,
  quoted,
  request,
  type Member,
} from '../message.ts';

const CALL = request('tools/call', ['name', '"safe"'], MODERN);
const READ = request('resources/read', ['uri', '"file:///safe"'], MODERN);
const ACCEPT = LEGACY_HEADERS[1]!;

const CONTENT_TYPES: Readonly<Record<Input['expect'], readonly (readonly string[])[]>> = {
  refused: [
    [],
    ['text/plain'],
    ['text/json'],
    ['application/json-rpc'],
    ['application/vnd.api+json'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=application/json'],
    ['text/plain; application/json'],
    ['text/plain, application/json'],
    ['application/json, text/plain'],
    ['application/json', 'application/json'],
    ['application/json', 'text/plain'],
    ['text/plain', 'application/json'],
    ['application/json; charset=utf-16'],
    ['application/json; charset=iso-8859-1'],
    ['application/json; charset="utf-7"'],
    ['application/json; charset=utf-8; charset=utf-16'],
    ['application/json; charset'],
    ['application/json; charset = utf-8'],
    ['application/json/x'],
    ['application /json'],
    ['"application/json"'],
    [''],
  ],
  understood: [
    ['application/json;charset=utf-8'],
    ['application/json; charset=UTF-8'],
    ['application/json ; charset="utf-8"'],
    ['Application/JSON'],
    ['application/json; profile="x"'],
    ['application/json;'],
  ],
  judged: [],
};

const contentTypes = Object.entries(CONTENT_TYPES).flatMap(([expect, rows]) =>
  rows.map((values): Input => ({
    rule: 'Content-Type',
    title: `${JSON.stringify(values)}`,
    expect: expect as Input['expect'],
    era: 'legacy',
    bytes: post(callSafe(), [ACCEPT, ...values.map((value): Header => ['Content-Type', value])]),
  })),
);

const without = (name: string, headers: readonly Header[]): readonly Header[] =>
  headers.filter(([each]) => each !== name);
const HONEST = modernHeaders('tools/call', 'safe');
const named = (name: string): readonly Header[] => modernHeaders('tools/call', name);
const versioned = (version: string): string =>
  request(
    'tools/call',
    ['name', '"safe"'],
    ['_meta', object(['io.modelcontextprotocol/protocolVersion', version], ...META.slice(1))],
  );

/** Refused by the specification of 2026-07-28, Server Validation. */
const MISMATCHES: Readonly<Record<string, readonly [body: string, headers: readonly Header[]]>> = {
  'no Mcp-Name': [CALL, without('Mcp-Name', HONEST)],
  'no Mcp-Method': [CALL, without('Mcp-Method', HONEST)],
  'no MCP-Protocol-Version': [CALL, without('MCP-Protocol-Version', HONEST)],
  'none of the three': [CALL, LEGACY_HEADERS],
  'another name': [CALL, named('evil')],
  'a name in another case': [CALL, named('Safe')],
  'an empty name': [CALL, named('')],
  'a name with more behind': [CALL, named('safe evil')],
  'another name in Base64': [CALL, named('=?base64?ZXZpbA==?=')],
  'Base64 without padding': [CALL, named('=?base64?c2FmZQ?=')],
  'Base64 with spaces': [CALL, named('=?base64?c2Fm ZQ==?=')],
  'Base64 of the URL kind': [request('tools/call', ['name', '"?>?>"'], MODERN), named('=?base64?Pz4_Pg==?=')],
  'Base64 with bits left over': [CALL, named('=?base64?c2FmZR==?=')],
  'Base64 of what is not UTF-8': [CALL, named('=?base64?/w==?=')],
  'Base64 marked in capitals': [CALL, named('=?BASE64?c2FmZQ==?=')],
  'Base64 twice': [CALL, named('=?base64?PT9iYXNlNjQ/YzJGbVpRPT0/PQ==?=')],
  'raw UTF-8 in the name': [request('tools/call', ['name', '"s\u00e4fe"'], MODERN), named('s\u00c3\u00a4fe')],
  'raw Latin-1 in the name': [request('tools/call', ['name', '"s\u00e4fe"'], MODERN), named('s\u00e4fe')],
  'Mcp-Name twice, equal': [CALL, [...HONEST, ['Mcp-Name', 'safe']]],
  'Mcp-Name twice': [CALL, [...HONEST, ['mcp-name', 'evil']]],
  'Mcp-Name twice, and a name with a comma': [
    request('tools/call', ['name', '"safe, evil"'], MODERN),
    [...HONEST, ['Mcp-Name', 'evil']],
  ],
  'another method': [CALL, modernHeaders('tools/list', 'safe')],
  'a method in capitals': [CALL, modernHeaders('TOOLS/CALL', 'safe')],
  'Mcp-Method twice': [CALL, [...HONEST, ['Mcp-Method', 'tools/list']]],
  'a list whose header says call': [request('prompts/list', MODERN), modernHeaders('tools/call')],
  'another version': [
    CALL,
    [...without('MCP-Protocol-Version', HONEST), ['MCP-Protocol-Version', '2025-11-25']],
  ],
  'version twice': [CALL, [...HONEST, ['MCP-Protocol-Version', PROTOCOL_VERSION]]],
  'a version in the body that is none of the header': [versioned('"2025-11-25"'), HONEST],
  'a version in the body that is a number': [versioned('20260728'), HONEST],
  'a version in the body that is null': [versioned('null'), HONEST],
  'another uri': [READ, modernHeaders('resources/read', 'file:///evil')],
  'a uri in another spelling': [READ, modernHeaders('resources/read', 'file:///s%61fe')],
  'no uri': [READ, modernHeaders('resources/read')],
};

/** Servers judge them; the audit must say what they do. */
const ERAS: Readonly<Record<string, readonly [body: string, headers: readonly Header[]]>> = {
  'a body of the era of sessions, all headers of 2026-07-28': [callSafe(), HONEST],
  'the same, and another name': [callSafe(), named('evil')],
  'the same, and another method': [callSafe(), modernHeaders('tools/list')],
  'the version alone': [callSafe(), [...LEGACY_HEADERS, ['MCP-Protocol-Version', PROTOCOL_VERSION]]],
  'a version that does not exist': [callSafe(), [...LEGACY_HEADERS, ['MCP-Protocol-Version', '2099-01-01']]],
  'a version that is nonsense': [callSafe(), [...LEGACY_HEADERS, ['MCP-Protocol-Version', 'x']]],
  'an older version': [callSafe(), [...LEGACY_HEADERS, ['MCP-Protocol-Version', '2025-06-18']]],
  'no clientCapabilities': [
    request('tools/call', ['name', '"safe"'], ['_meta', object(META[0] as Member)]),
    HONEST,
  ],
  'a version of the future in both': [
    versioned(quoted('2099-01-01')),
    [...without('MCP-Protocol-Version', HONEST), ['MCP-Protocol-Version', '2099-01-01']],
  ],
  'a parameter header that nobody knows': [CALL, [...HONEST, ['Mcp-Param-Region', 'us-west1']]],
  'an unknown member at the top': [CALL.replace('{', '{"x":1,'), HONEST],
  'initialize with a version of 2026-07-28': [
    request(
      'initialize',
      ['protocolVersion', '"2025-11-25"'],
      ['capabilities', '{}'],
      ['clientInfo', '{"name":"x","version":"1"}'],
    ),
    [...LEGACY_HEADERS, ['MCP-Protocol-Version', PROTOCOL_VERSION]],
  ],
};

const inputs = (
  rule: string,
  expect: Input['expect'],
  rows: Readonly<Record<string, readonly [body: string, headers: readonly Header[]]>>,
): Input[] =>
  Object.entries(rows).map(([title, [body, headers]]) => ({
    rule,
    title,
    expect,
    era: 'modern',
    bytes: post(body, headers),
  }));

export const headerInputs: readonly Input[] = [
  ...contentTypes,
  ...['gzip', 'br', 'identity, gzip', 'x'].map((coding): Input => ({
    rule: 'Content-Encoding',
    title: coding,
    expect: 'refused',
    era: 'legacy',
    bytes: post(callSafe(), [...LEGACY_HEADERS, ['Content-Encoding', coding]]),
  })),
  ...inputs('headers of 2026-07-28 against the body', 'refused', MISMATCHES),
  ...inputs('one era in the headers, another in the body', 'judged', ERAS),
];
