/** Reads a response with llhttp, the parser of Node and undici, in its strict mode: the build that undici carries. */
import { createRequire } from 'node:module';

export interface LlhttpReading {
  status?: number;
  /** Lower-case names; repeated fields joined with a comma, as ours are. */
  headers: Map<string, string>;
  body: Buffer;
  complete: boolean;
  keepAlive: boolean;
  /** Bytes up to the end of the message, when it is complete. */
  end: number;
  error?: string;
}

interface Llhttp {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_resume(parser: number): void;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
}

interface WebAssemblyFace {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const TYPE_RESPONSE = 2;
const PAUSED = 21;
const MAX_BYTES = 256 * 1024;

let current: Reader | undefined;

interface Reader {
  headersComplete(status: number, keepAlive: boolean): void;
  field(at: number, length: number): void;
  value(at: number, length: number): void;
  body(at: number, length: number): void;
  messageComplete(): void;
}

const llhttp = load();
const buffer = llhttp.malloc(MAX_BYTES);

/** @param eof whether the connection ends behind the bytes */
export function readWithLlhttp(bytes: Buffer, eof: boolean): LlhttpReading {
  if (bytes.length > MAX_BYTES) throw new RangeError(`over ${MAX_BYTES} bytes`);
  let reading = fresh();
  let fields: [string, string][] = [];
  const parts: Buffer[] = [];
  const slice = (at: number, length: number): Buffer => bytes.subarray(at - buffer, at - buffer + length);
  current = {
    headersComplete(status, keepAlive) {
      reading.status = status;
      reading.keepAlive = keepAlive;
      for (const [name, value] of fields) {
        const former = reading.headers.get(name.toLowerCase());
        const own = value.replaceAll(/^[ \t]+|[ \t]+$/g, '');
        reading.headers.set(name.toLowerCase(), former === undefined ? own : `${former}, ${own}`);
      }
    },
    field: (at, length) => void fields.push([slice(at, length).toString('latin1'), '']),
    value: (at, length) => {
      const last = fields.at(-1);
      if (last) last[1] += slice(at, length).toString('latin1');
    },
    body: (at, length) => void parts.push(slice(at, length)),
    messageComplete: () => (reading.complete = true),
  };
  new Uint8Array(llhttp.memory.buffer).set(bytes, buffer);
  const parser = llhttp.llhttp_alloc(TYPE_RESPONSE);
  try {
    for (let at = 0; at <= bytes.length;) {
      const code =
        at < bytes.length
          ? llhttp.llhttp_execute(parser, buffer + at, bytes.length - at)
          : eof && !reading.complete
            ? llhttp.llhttp_finish(parser)
            : 0;
      if (code !== 0 && code !== PAUSED) {
        reading.error = reasonOf(parser);
        break;
      }
      const pausedAt =
        code === PAUSED && at < bytes.length ? llhttp.llhttp_get_error_pos(parser) - buffer : bytes.length;
      if (reading.complete) {
        reading.end = pausedAt;
        if ((reading.status ?? 0) >= 200 || reading.status === 101) break;
        // An informational response: the one that counts is still to come.
        reading = fresh();
        fields = [];
        llhttp.llhttp_resume(parser);
      }
      if (at >= bytes.length) break;
      at = pausedAt;
    }
  } finally {
    llhttp.llhttp_free(parser);
  }
  reading.body = Buffer.concat(parts);
  return reading;
}

const fresh = (): LlhttpReading => ({
  headers: new Map(),
  body: Buffer.alloc(0),
  complete: false,
  keepAlive: false,
  end: 0,
});

function reasonOf(parser: number): string {
  const at = llhttp.llhttp_get_error_reason(parser);
  const memory = Buffer.from(llhttp.memory.buffer);
  return at === 0 ? 'refused' : memory.toString('latin1', at, memory.indexOf(0, at));
}

function load(): Llhttp {
  const wasm = createRequire(import.meta.url)('undici/lib/llhttp/llhttp-wasm.js') as Uint8Array<ArrayBuffer>;
  // The types of Node know WebAssembly only with those of the DOM.
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyFace }).WebAssembly;
  const instance = new Instance(new Module(wasm), {
    env: {
      wasm_on_url: () => 0,
      wasm_on_status: () => 0,
      wasm_on_message_begin: () => 0,
      wasm_on_header_field: (_: number, at: number, length: number) => (current?.field(at, length), 0),
      wasm_on_header_value: (_: number, at: number, length: number) => (current?.value(at, length), 0),
      wasm_on_headers_complete: (_: number, status: number, __: number, keepAlive: number) => (
        current?.headersComplete(status, keepAlive === 1),
        0
      ),
      wasm_on_body: (_: number, at: number, length: number) => (current?.body(at, length), 0),
      wasm_on_message_complete: () => (current?.messageComplete(), PAUSED),
    },
  });
  const exports = instance.exports as Llhttp;
  // oxlint-disable-next-line no-underscore-dangle -- the name is wasm's
  exports._initialize();
  return exports;
}
