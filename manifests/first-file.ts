/**
 * The sidecar's first file. It gives V8 the bytecode that the image's build has recorded (manifests/compile-cache.ts).
 * Node's own compile cache keeps what a file's outermost function compiles to, and leaves out all that was called.
 */
import { createHash } from 'node:crypto';

/** Beside the bundle. */
export const COMPILE_CACHE = '.compile-cache';
/** What Node puts around a CommonJS module. */
export const WRAPPER = '(function (exports, require, module, __filename, __dirname) { SOURCE\n})';

/** V8 compares the length of the source alone, and not the architecture: both stand in the name. */
export const cacheName = (program: string | Buffer, nodeArch: string): string =>
  `${nodeArch}-${createHash('sha256').update(program).digest('hex').slice(0, 16)}`;

/** V8 refuses bytecode of another version or other flags, and compiles. */
export function firstFile(program: string | Buffer): string {
  const [before = '', after = ''] = WRAPPER.split('SOURCE');
  const name = cacheName(program, 'ARCH').replace('ARCH', '${process.arch}');
  return `'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const filename = __dirname + '/proxy.cjs';
let cachedData;
try {
  cachedData = readFileSync(\`\${__dirname}/${COMPILE_CACHE}/${name}\`);
} catch {}
const before = ${JSON.stringify(before)};
const source = before + readFileSync(filename, 'utf8') + ${JSON.stringify(after)};
const script = new Script(source, { filename, columnOffset: -before.length, cachedData });
script.runInThisContext().call(exports, exports, require, module, filename, __dirname);
`;
}
