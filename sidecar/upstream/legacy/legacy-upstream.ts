/** The upstream room for a client of 2026-07-28 in front of a server that knows only the era of sessions. */
import type { Exchange, Reply, Transit, Upstream } from '../../exchange.ts';
import { text } from '../../client-message.ts';
import { asOwn } from '../../exchange-scope.ts';
import { members } from '../../json/members.ts';
import { refuse } from '../../reasons.ts';
import type { HttpPool } from '../http-pool.ts';
import type { CatalogueTool } from '../list-tools.ts';
import { type Dialect } from '../mcp-request.ts';
import { mirroredParamsProblem } from '../mirrored-params.ts';
import { send, sendNothing } from '../own-reply.ts';
import { UpstreamError } from '../upstream-error.ts';
import { unownedQuestion } from '../unowned-question.ts';
import { whenThere } from '../when-there.ts';
import { discovered } from './discovered.ts';
import { digestOfAnswers, readAnswers } from './answers.ts';
import { LegacyCall } from './legacy-call.ts';
import { createLegacyTasks } from './legacy-tasks.ts';
import { listenOnSession } from './legacy-listen.ts';
import { createLegacySessions, type LegacySession } from './legacy-sessions.ts';
import { readModernRequest, type ModernRequest } from './modern-request.ts';
import { createParkedRounds } from './parked-rounds.ts';
import { mayBeAskedBack } from './questions.ts';
import { failureOf, ownerOf } from './whose-exchange.ts';
import { isAboutTask, prepareCall, tellingOfTask } from './task-calls.ts';
import { tell } from './tell.ts';
import { Turns } from './turns.ts';
import { ownAnswer, ownError } from './to-modern.ts';

export interface LegacyUpstream extends Upstream {
  /** For questions of the sidecar's own about what this caller sees. @throws where there is no session to be had */
  dialectOf(exchange: Exchange): Promise<Dialect>;
  /** The server was away: it may be another process now, without its sessions. */
  serverLost(): void;
  /** Calls that wait for their clients, and sessions that are kept with the server. */
  held(): { readonly calls: number; readonly sessions: number };
  close(): void;
}

const INVALID_PARAMS = -32602;
const NOTHING: Transit = { abort: nothing, pause: nothing, resume: nothing };
/** A session may be lost once while a request is on its way; a server that loses each one is broken. */
const ATTEMPTS = 2;

/** @param toolNamed as the server lists it */
export function createLegacyUpstream(
  pool: HttpPool,
  toolNamed: (name: string) => CatalogueTool | undefined,
): LegacyUpstream {
  const sessions = createLegacySessions(pool);
  const rounds = createParkedRounds<LegacyCall>(({ call }) =>
    call.cancel('the client did not answer in time'),
  );
  const turns = new Turns();
  const tasks = createLegacyTasks(pool);
  const calls = new WeakMap<LegacySession, Set<LegacyCall>>();

  /** Begins when there is a session; a client that has gone by then begins nothing. */
  function onSession(
    exchange: Exchange,
    reply: Reply,
    { request, use }: { request: ModernRequest; use: (session: LegacySession) => Transit },
  ): Transit {
    return whenThere(sessions.acquire(ownerOf(exchange), request), use, (error) =>
      reply.fail(failureOf(exchange, error)),
    );
  }

  function begin(exchange: Exchange, reply: Reply, request: ModernRequest, attempt = 1): Transit {
    return onSession(exchange, reply, {
      request,
      use: (session) =>
        pool.oneStream && mayBeAskedBack(exchange.message!.method, request)
          ? turns.take(session, (done) => on(session, done), failed)
          : on(session),
    });

    function failed(error: Error): void {
      reply.fail(failureOf(exchange, error));
    }

    function on(session: LegacySession, ended?: () => void): Transit {
      let next: Transit | undefined;
      const sessionLost = (): void => {
        sessions.lost(session);
        if (attempt < ATTEMPTS) next = begin(exchange, reply, request, attempt + 1);
        else reply.fail(refuse('upstream-broken', 'the server knows none of its sessions'));
      };
      const made = new LegacyCall(exchange, reply, request, {
        pool,
        session,
        rounds,
        sessionLost,
        ...(ended ? { ended } : {}),
      });
      join(session, made);
      return {
        abort: () => (next ? next.abort() : made.detach(exchange)),
        pause: () => (next ?? made).pause(),
        resume: () => (next ?? made).resume(),
      };
    }
  }

  /** What the server asks, or logs, on no call's stream is for the only call in flight. */
  function join(session: LegacySession, made: LegacyCall): void {
    let among = calls.get(session);
    if (!among) {
      calls.set(session, (among = new Set()));
      const listening = among;
      session.stream.listen((data) => {
        for (const each of listening) if (each.over) listening.delete(each);
        const top = members(data);
        if (text(data, top.get('method')) === 'notifications/message' && listening.size === 1)
          for (const each of listening) asOwn(each.scope, () => each.message(data));
        if (!top.has('id') || !top.has('method') || tasks.asked(session, data)) return;
        const asked = [...listening].filter((each) => each.mayBeAsked);
        const [only] = asked;
        if (only && asked.length === 1) asOwn(only.scope, () => only.asked(data));
        else refuseQuestion(session, data);
      });
    }
    for (const each of among) if (each.over) among.delete(each);
    among.add(made);
  }

  /** Nobody can say whose it is. */
  function refuseQuestion(session: LegacySession, question: Buffer): void {
    const { start = 0, end = 0 } = members(question).get('id') ?? {};
    tell(pool, session, unownedQuestion(question.toString('utf8', start, end)));
  }

  function resume(exchange: Exchange, reply: Reply, request: ModernRequest, state: string): Transit {
    const message = exchange.message!;
    const problem = (words: string): Transit => {
      send(reply, ownError(message.id ?? 'null', { status: 200, code: INVALID_PARAMS, message: words }));
      return NOTHING;
    };
    const round = rounds.find(state);
    // The same words whoever's it is, or whether it is anybody's.
    if (!round || round.owner !== ownerOf(exchange) || round.digest !== request.digest)
      return problem('requestState is unknown, expired, or belongs to another request');
    if (!request.inputResponses) return problem('inputResponses is missing');
    const answers = readAnswers(message.raw, request.inputResponses.start);
    const digest = digestOfAnswers(answers);
    if (round.answers === undefined) {
      const missing = round.call.answer(round, answers, digest);
      if (missing !== undefined) return problem(`inputResponses lacks ${JSON.stringify(missing)}`);
    } else if (round.answers !== digest) return problem('requestState has been answered otherwise');
    if (round.outcome) {
      round.call.replay(round.outcome, exchange, reply);
      return NOTHING;
    }
    const { call: parked } = round;
    parked.attach(exchange, reply);
    return {
      abort: () => parked.detach(exchange),
      pause: () => parked.pause(),
      resume: () => parked.resume(),
    };
  }

  return {
    send(exchange, given) {
      const message = exchange.message!;
      // The revision defines none over HTTP; the Go SDK sends some, without what requests have to say.
      if (message.kind === 'notification') {
        sendNothing(given, 202);
        return NOTHING;
      }
      const request = readModernRequest(message);
      const id = message.id ?? 'null';
      if ('problem' in request) {
        send(given, ownError(id, request.problem));
        return NOTHING;
      }
      if (message.kind === 'response') {
        sendNothing(given, 202);
        return NOTHING;
      }
      const reply = tellingOfTask(exchange, given, (task) => {
        void sessions
          .acquire(ownerOf(exchange), request)
          .then((session) => tasks.made(task, session, request), nothing);
      });
      // What a server of that revision checks where it reads the arguments, and this one does not know.
      const tool = message.method === 'tools/call' ? toolNamed(message.target ?? '') : undefined;
      const mismatch = tool?.mirrored && mirroredParamsProblem(exchange, tool.mirrored);
      if (mismatch) {
        setImmediate(() => reply.fail(mismatch));
        return NOTHING;
      }
      if (request.requestState !== undefined) return resume(exchange, reply, request, request.requestState);
      if (message.method === 'server/discover')
        return onSession(exchange, reply, {
          request,
          use(session) {
            send(reply, ownAnswer(id, discovered(session)));
            return NOTHING;
          },
        });
      if (message.method === 'subscriptions/listen')
        return onSession(exchange, reply, {
          request,
          use: (session) => listenOnSession({ pool, session }, exchange, reply),
        });
      if (isAboutTask(message)) {
        return onSession(exchange, reply, {
          request,
          use(session) {
            tasks
              .answer(exchange, reply, session)
              .catch((error: Error) => reply.fail(failureOf(exchange, error)));
            return NOTHING;
          },
        });
      }
      if (!tool?.tasks && !message.document.params.has('task')) return begin(exchange, reply, request);
      return onSession(exchange, reply, {
        request,
        use(session) {
          const problem = prepareCall(exchange, tool, session);
          if (!problem) return begin(exchange, reply, request);
          send(reply, ownError(id, problem));
          return NOTHING;
        },
      });
    },
    async dialectOf(exchange) {
      const request = readModernRequest(exchange.message!);
      if ('problem' in request) throw new UpstreamError(request.problem.message);
      return (await sessions.acquire(ownerOf(exchange), request)).dialect;
    },
    serverLost() {
      tasks.clear();
      sessions.clear();
    },
    held: () => ({ calls: rounds.parked(), sessions: sessions.size() }),
    close() {
      rounds.close();
      tasks.clear();
      sessions.close();
    },
  };
}

function nothing(): void {}
