/** The webhook's HTTPS server. It decides nothing: see review.ts. */
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import express from 'express';
import type { NextFunction, Request, Response } from 'express';
import { createCounters } from './metrics.ts';
import { answerReview } from './review.ts';
import type { ReviewSettings } from './review.ts';

/** An object in etcd is 1.5 MiB at most; a review holds it, escaped. */
const MAX_BODY = '8mb';
/** Above the API server's 90 s (Go's http.Transport), so that it is never us who close a connection in use. */
const KEEP_ALIVE_MS = 120_000;

export type ServerParts = {
  /** PEM. */
  tls: { cert: string; key: string };
  settings: ReviewSettings;
  /** Whether the API server trusts the certificate that is served. */
  isReady: () => boolean;
  log: (level: 'info' | 'error', message: string, fields: object) => void;
};

export function createWebhookServer({ tls, settings, isReady, log }: ServerParts): Server {
  const counters = createCounters();
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_, response) => void response.type('text').send('ok'));
  app.get('/readyz', (_, response) => {
    const ready = isReady();
    response
      .status(ready ? 200 : 503)
      .type('text')
      .send(ready ? 'ok' : 'the webhook configuration does not hold our CA yet');
  });
  app.get('/metrics', (_, response) => void response.type('text/plain; version=0.0.4').send(counters.text()));
  app.post('/inject', express.json({ limit: MAX_BODY }), (request, response) => {
    const answer = answerReview(request.body, settings);
    if ('fault' in answer) {
      counters.count('failed');
      log('error', 'bad review', { detail: answer.fault });
      response.status(400).type('text').send(answer.fault);
      return;
    }
    counters.count(answer.outcome);
    log('info', answer.outcome, answer.about);
    response.json(answer.body);
  });
  app.use(
    (_, response) => void response.status(404).type('text').send('not found; reviews go to POST /inject'),
  );
  // Express takes a handler of errors by its four arguments.
  app.use((error: Error & { status?: number }, _: Request, response: Response, __: NextFunction) => {
    const status = error.status ?? 500;
    counters.count('failed');
    log('error', 'review failed', { status, detail: status < 500 ? error.message : error.stack });
    response.status(status).type('text').send(`cannot read the review: ${error.message}`);
  });
  return createServer({ ...tls, keepAliveTimeout: KEEP_ALIVE_MS }, app);
}
