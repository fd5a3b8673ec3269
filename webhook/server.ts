/** The webhook's HTTPS server. It decides nothing: see review.ts. */
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import express from 'express';
import type { NextFunction, Request, Response } from 'express';
import { createBodyTurns } from './body-turns.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Occurrence } from './occurrences.ts';
import { answerReview } from './review.ts';
import type { ReviewSettings } from './review.ts';
import { answerOf, judgeReview } from './validate.ts';
import type { Judgement } from './validate.ts';

/** An object in etcd is 1.5 MiB at most; a review holds it, escaped. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Almost every pod is smaller. */
const SMALL_BODY_BYTES = 64 * 1024;
const LARGE_BODIES_BYTES = MAX_BODY_BYTES;
/** As long as the API server waits for an answer. */
const BODY_TIMEOUT_MS = 5_000;
/**
 * Above the API server's 90 s (Go's http.Transport), so that it is never us who close a connection that it is about
 * to use: it does not send a POST again. That goes for a connection that has not carried anything yet, too.
 */
const IDLE_TIMEOUT_MS = 120_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** About 40 KB each. */
const MAX_CONNECTIONS = 1_000;

export type ServerParts = {
  /** PEM. */
  tls: { cert: string; key: string };
  settings: ReviewSettings;
  metrics: Metrics;
  /** Why no reviews should be sent here now. */
  unready: () => string | undefined;
  /** What the rules of a namespace will do to new pods of it, a warning each; never throws. */
  foresee?: (asked: NonNullable<Judgement['asked']>) => Promise<string[]>;
  /** From then on each connection ends with the answer that is under way. */
  isStopping: () => boolean;
  /** Told after the answer; must not wait for anything. */
  record: (occurrence: Occurrence) => void;
  log: Log;
};

export function createWebhookServer({
  tls,
  settings,
  metrics,
  unready,
  foresee,
  isStopping,
  record,
  log,
}: ServerParts): Server {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_, response, next) => {
    if (isStopping()) response.set('connection', 'close');
    next();
  });
  app.get('/healthz', (_, response) => void response.type('text').send('ok'));
  app.get('/readyz', (_, response) => {
    const why = unready();
    response
      .status(why === undefined ? 200 : 503)
      .type('text')
      .send(why ?? 'ok');
  });
  app.get('/metrics', (_, response) => void response.type('text/plain; version=0.0.4').send(metrics.text()));
  const turns = createBodyTurns({
    smallBytes: SMALL_BODY_BYTES,
    bytes: LARGE_BODIES_BYTES,
    timeoutMs: BODY_TIMEOUT_MS,
  });
  const body = [refuseOtherTypes, turns, express.json({ limit: MAX_BODY_BYTES })];
  const refuseBad = (fault: string, response: Response): void => {
    log('error', 'bad review', { detail: fault });
    response.status(400).type('text').send(fault);
  };
  app.post('/inject', timed(metrics), body, (request: Request, response: Response) => {
    const answer = answerReview(request.body, settings);
    if ('fault' in answer) {
      metrics.count('failed');
      return refuseBad(answer.fault, response);
    }
    metrics.count(answer.outcome, answer.reasons);
    log('info', answer.outcome, answer.about);
    response.json(answer.body);
    if (answer.occurrence) record(answer.occurrence);
  });
  const answerEarly = async (request: Request, response: Response): Promise<void> => {
    const judgement = judgeReview(request.body, settings);
    if ('fault' in judgement) {
      metrics.countValidation('failed');
      return refuseBad(judgement.fault, response);
    }
    const foreseen = judgement.asked && (await foresee?.(judgement.asked));
    const { body: answer, outcome } = answerOf(judgement, foreseen);
    metrics.countValidation(outcome, judgement.about.reasons);
    log('info', `${outcome} early`, judgement.about);
    response.json(answer);
  };
  app.post(
    '/validate',
    body,
    (request: Request, response: Response, next: NextFunction) =>
      void answerEarly(request, response).catch(next),
  );
  app.use(
    (_, response) =>
      void response.status(404).type('text').send('not found; reviews go to POST /inject or /validate'),
  );
  // Express takes a handler of errors by its four arguments.
  app.use((error: Error & { status?: number }, request: Request, response: Response, __: NextFunction) => {
    const status = error.status ?? 500;
    if (request.path === '/validate') metrics.countValidation('failed');
    else metrics.count('failed');
    log('error', 'review failed', { status, detail: status < 500 ? error.message : error.stack });
    if (response.headersSent) return;
    response.status(status).type('text').send(`cannot read the review: ${error.message}`);
  });
  const options = {
    ...tls,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    headersTimeout: IDLE_TIMEOUT_MS,
    requestTimeout: IDLE_TIMEOUT_MS,
  };
  const server = createServer(options, app);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

const timed =
  (metrics: Metrics) =>
  (_: Request, response: Response, next: NextFunction): void => {
    const started = performance.now();
    response.once('finish', () => metrics.observe((performance.now() - started) / 1000));
    next();
  };

/** Before the body is read. */
function refuseOtherTypes(request: Request, _: Response, next: NextFunction): void {
  if (request.is('application/json')) return next();
  const type = request.headers['content-type'] ?? 'no content-type';
  next(Object.assign(new Error(`${type} is not application/json`), { status: 415 }));
}
