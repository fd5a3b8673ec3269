/** Attacks that were published, as they were published. */
import { LEGACY_HEADERS, post, type Header, type Input } from '../input.ts';
import { callSafe, object, quoted, request } from '../message.ts';

const SMUGGLED: Readonly<Record<string, string>> = {
  'GHSA-wvj2-96wp-fq3f (CVE-2026-27896), Go SDK: name and Name': request(
    'tools/call',
    ['name', '"safe"'],
    ['Name', '"evil"'],
    ['arguments', '{"target":"x"}'],
  ),
  'GHSA-wvj2-96wp-fq3f: Method beside method': object(
    ['jsonrpc', '"2.0"'],
    ['id', '1'],
    ['method', '"prompts/list"'],
    ['Method', '"tools/call"'],
    ['params', '{"name":"evil"}'],
  ),
  'GHSA-wvj2-96wp-fq3f: param\u017f beside params': object(
    ['jsonrpc', '"2.0"'],
    ['id', '1'],
    ['method', '"tools/call"'],
    ['params', '{"name":"safe"}'],
    ['param\u017f', '{"name":"evil"}'],
  ),
  'GHSA-q382-vc8q-7jhj, Go SDK: a key with NUL behind': request(
    'tools/call',
    ['name', '"safe"'],
    ['name\\u0000', '"evil"'],
  ),
  'GHSA-q382-vc8q-7jhj: params with NUL behind': object(
    ['jsonrpc', '"2.0"'],
    ['id', '1'],
    ['method', '"tools/call"'],
    ['params', '{"name":"safe"}'],
    ['params\\u0000', '{"name":"evil"}'],
  ),
  'GHSA-4gph-2hhr-5mwg, Envoy AI Gateway: Name and Arguments beside name and arguments': request(
    'tools/call',
    ['name', '"safe"'],
    ['Name', '"evil"'],
    ['arguments', '{"name":"World!"}'],
    ['Arguments', '{"name":"Exploit"}'],
  ),
  'GHSA-345p-7cg4-v4c7 (CVE-2026-25536), TypeScript SDK: a batch with one id twice': `[${callSafe()},${callSafe()}]`,
  'CVE-2025-53366, Python SDK: a request that fails validation': object(
    ['jsonrpc', '"2.0"'],
    ['id', '1'],
    ['method', '"tools/call"'],
    ['params', '"x"'],
  ),
};

const SENT: Readonly<Record<string, readonly Header[]>> = {
  'GHSA-89xv-2j6f-qhc8 (CVE-2026-33252), Go SDK: a form of a web page': [
    ['Content-Type', 'text/plain'],
    LEGACY_HEADERS[1]!,
    ['Origin', 'https://evil.example'],
  ],
  'GHSA-89xv-2j6f-qhc8: JSON of a web page': [...LEGACY_HEADERS, ['Origin', 'https://evil.example']],
  'GHSA-xw59-hvm2-8pj6 (CVE-2026-34742), Go SDK: a name that was bound anew': [
    ...LEGACY_HEADERS,
    ['Origin', 'http://rebound.example:7410'],
  ],
};

export const advisoryInputs: readonly Input[] = [
  ...Object.entries(SMUGGLED).map(([title, body]) => ({ title, bytes: post(body) })),
  ...Object.entries(SENT).map(([title, headers]) => ({ title, bytes: post(callSafe(), headers) })),
  {
    title: 'an unknown session',
    bytes: post(callSafe(['x', quoted('y')]), [...LEGACY_HEADERS, ['Mcp-Session-Id', 'guessed']]),
  },
].map(({ title, bytes }) => ({ rule: 'published attacks', title, expect: 'refused', era: 'legacy', bytes }));
