/** A message of a server's as a client gets it from behind the pass that masks. */
import { readClientMessage, type ClientMessage } from '../../../sidecar/client-message.ts';
import { editedReply } from '../../../sidecar/downstream/edited-reply.ts';
import type { Exchange, Reply } from '../../../sidecar/exchange.ts';
import { createMasking } from '../../../sidecar/mask/masking.ts';
import { createPolicy } from '../../../sidecar/passes.ts';
import { modernRequest } from '../wire/modern-meta.ts';

export type Framing = 'json' | 'sse';

interface Wanted {
  readonly era: 'legacy' | 'modern';
  readonly framing: Framing;
  readonly args?: object | undefined;
  readonly result?: object;
  readonly message?: object;
  readonly raw?: string;
  /** Lengths of the chunks that it comes in. */
  readonly chunks?: readonly number[];
  /** Asked next. */
  readonly next?: { readonly method: string; readonly target: string; readonly result: object };
}

export interface Got {
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- compared as a whole or in a field
  readonly message: any;
  readonly refused?: string;
}

export function masked(wanted: Wanted): Promise<Got> {
  const { era, framing, args = {}, result, message, raw } = wanted;
  const policy = createPolicy([createMasking()], editedReply);
  const given = raw ?? JSON.stringify({ jsonrpc: '2.0', id: 7, ...(result ? { result } : message) });
  const params = { name: 'kubectl_get', arguments: args };
  const asked = readClientMessage(
    Buffer.from(
      JSON.stringify(
        era === 'modern'
          ? modernRequest('tools/call', params)
          : { jsonrpc: '2.0', id: 7, method: 'tools/call', params },
      ),
    ),
  ) as ClientMessage;
  const got = answerOf(policy, asked, framing, given, wanted.chunks);
  const { next } = wanted;
  if (!next) return Promise.resolve(got);
  const later = { ...asked, method: next.method, target: next.target };
  return Promise.resolve(
    answerOf(policy, later, framing, JSON.stringify({ jsonrpc: '2.0', id: 8, result: next.result })),
  );
}

function answerOf(
  policy: ReturnType<typeof createPolicy>,
  message: ClientMessage,
  framing: Framing,
  given: string,
  chunks: readonly number[] = [],
): Got {
  const parts: Buffer[] = [];
  let refused: string | undefined;
  const reply: Reply = {
    head() {},
    chunk: (bytes) => void parts.push(Buffer.from(bytes)),
    end() {},
    fail: ({ reason }) => void (refused = reason),
  };
  const front = policy.answer({ message } as Exchange, reply);
  front.head({ status: 200, contentType: framing, headers: {} });
  const bytes = Buffer.from(framing === 'sse' ? `event: message\ndata: ${given}\n\n` : given);
  let from = 0;
  for (const length of chunks) {
    front.chunk(bytes.subarray(from, from + length));
    from += length;
  }
  front.chunk(bytes.subarray(from));
  front.end();
  const text = Buffer.concat(parts).toString();
  if (refused !== undefined) return { text, message: undefined, refused };
  const data = framing === 'sse' ? text.replace(/^event: message\ndata: /, '').trimEnd() : text;
  return { text: data, message: JSON.parse(data) };
}
