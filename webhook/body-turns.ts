/**
 * Large bodies are read in turn: a burst of large pods waits in the sockets, not in our memory. Small ones, which
 * almost all are, pass at once: clients that send large ones slowly hold up their like alone.
 */
import type { NextFunction, Request, Response } from 'express';

export type TurnLimits = {
  /** Up to here a body waits for nobody. */
  smallBytes: number;
  /** Of all larger bodies that are in memory at once. */
  bytes: number;
  /** From its turn until a body must be there. */
  timeoutMs: number;
};

/** A handler for Express, to stand before the one that reads the body. */
export function createBodyTurns({ smallBytes, bytes, timeoutMs }: TurnLimits) {
  const waiting = new Set<() => void>();
  let taken = 0;

  const admit = (): void => {
    for (const start of waiting) {
      if (taken >= bytes) return;
      waiting.delete(start);
      start();
    }
  };

  return (request: Request, response: Response, next: NextFunction): void => {
    // Without a length it may be of any: it goes alone.
    const declared = Number(request.headers['content-length'] ?? bytes);
    const size = declared <= smallBytes ? 0 : Math.min(declared, bytes);
    const start = (): void => {
      taken += size;
      const timer = setTimeout(() => refuseSlow(request, response, timeoutMs), timeoutMs);
      response.once('close', () => {
        clearTimeout(timer);
        taken -= size;
        admit();
      });
      next();
    };
    if (size === 0) return start();
    waiting.add(start);
    // One that has given up takes no turn.
    response.once('close', () => waiting.delete(start));
    admit();
  };
}

function refuseSlow(request: Request, response: Response, timeoutMs: number): void {
  if (request.complete || response.headersSent) return;
  response.once('finish', () => request.destroy());
  response
    .status(408)
    .set('connection', 'close')
    .type('text')
    .send(`the review was not sent within ${timeoutMs / 1000} s`);
}
