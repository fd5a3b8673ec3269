import type { IncomingMessage } from 'node:http';
import { refuse, type Refusal } from '../reasons.ts';
import { SMALL_BODY_BYTES, type Limits, type Share } from './limits.ts';

/** Reads a body that is within the limits; what is over them is dropped as it comes. */
export function readBody(
  request: IncomingMessage,
  { limits, share }: { limits: Limits; share: Share },
  done: (body: Buffer | Refusal) => void,
): void {
  const { requestBytes } = limits;
  const tooLarge = () => refuse('body-too-large', `over ${requestBytes} bytes`);
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > requestBytes) return done(tooLarge());
  const chunks: Buffer[] = [];
  let size = 0;
  let held = 0;
  let over = false;
  const finish = (body: Buffer | Refusal): void => {
    if (over) return;
    over = true;
    chunks.length = 0;
    done(body);
  };
  /** Room is taken for what is there, not for what is announced: announcing costs a client nothing. */
  const makeRoom = (): Refusal | undefined => {
    if (size <= SMALL_BODY_BYTES) return undefined;
    const refusal = limits.hold(share, size - held);
    held = size;
    return refusal;
  };
  request.on('data', (chunk: Buffer) => {
    if (over) return;
    size += chunk.length;
    const refusal = size > requestBytes ? tooLarge() : makeRoom();
    if (refusal) return finish(refusal);
    chunks.push(chunk);
  });
  request.on('end', () => finish(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
  request.on('error', () => finish(refuse('body-incomplete')));
}
