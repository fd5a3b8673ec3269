/** One process of a server of the era of sessions, or of 2026-07-28, that many sessions have. */
import { LOG_LEVELS, MODERN_VERSION, text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { LEGACY_VERSIONS } from '../mcp-request.ts';
import type { UpstreamCall, UpstreamEvents } from '../upstream-call.ts';
import { JSON_HEADERS } from './calls.ts';
import { later } from './later.ts';
import type { Established } from './establish.ts';
import type { Link } from './link.ts';
import { LinkSession } from './link-session.ts';
import { plain } from './plain-answer.ts';

export interface OnShared {
  readonly link: Link;
  readonly session: LinkSession;
}

export interface SharedProcess {
  /** As it is now, or will be in a moment. @throws {UpstreamError} */
  ready(): Promise<Established>;
  /** Opens a session on it for a client: the process itself was initialized by the sidecar. */
  initialize(
    body: Buffer,
    events: UpstreamEvents,
    given: { readonly id: string; readonly add: (link: Link, session: LinkSession) => void },
  ): UpstreamCall;
  /** What the server need not be told of, as the result to give; `nothing`: it was no request. */
  result(on: OnShared, said: { name: string | undefined; body: Buffer }): string | undefined;
  left(on: OnShared): void;
}

/** They say of one client what is the sidecar's to say of all. */
const OF_ONE_CLIENT = new Set(['notifications/initialized', 'notifications/roots/list_changed']);
/** What clients of a shared process can be asked: what belongs to a call. */
export const SHARED_CAPABILITIES = { elicitation: {}, sampling: {} };
const EMPTY = '{}';

export function createSharedProcess(start: () => Promise<Established>): SharedProcess {
  let current: Promise<Established> | undefined;
  let levelSent: number | undefined;

  function ready(): Promise<Established> {
    if (current) return current;
    levelSent = undefined;
    const mine = start();
    current = mine;
    const gone = (): void => {
      if (current === mine) current = undefined;
    };
    mine.then(({ link }) => link.whenOver(gone), gone);
    return mine;
  }

  function setLevel({ link, session }: OnShared, body: Buffer): string | undefined {
    const index = LOG_LEVELS.indexOf(text(body, paramIn(body, 'level')) ?? '');
    if (index < 0) return undefined;
    session.logLevel = index;
    const lowest = Math.min(...[...link.sessions].map(({ logLevel }) => logLevel ?? LOG_LEVELS.length));
    // The server is told the lowest that anybody wants; the first to say one learns whether it knows levels.
    if (levelSent === undefined || lowest < levelSent) {
      levelSent = lowest;
      return undefined;
    }
    return EMPTY;
  }

  return {
    ready,
    initialize(body, events, { id, add }) {
      return later(ready(), events, ({ link, era, version, result }) => {
        if (era === 'modern') return plain(events, 400, unsupported(id));
        const asked = text(body, paramIn(body, 'protocolVersion')) ?? '';
        const session = new LinkSession(capabilitiesIn(body));
        add(link, session);
        // An older client is answered in its own version: what was added since it leaves alone.
        const agreed = LEGACY_VERSIONS.includes(asked) && asked < version ? asked : version;
        const answer = JSON.stringify({ ...result, protocolVersion: agreed });
        const headers = new Map([...JSON_HEADERS, ['mcp-session-id', session.id]]);
        return plain(events, 200, answerOf(id, answer), headers);
      });
    },
    result(on, { name = '', body }) {
      if (OF_ONE_CLIENT.has(name)) return EMPTY;
      if (name === 'ping') return EMPTY;
      if (name === 'logging/setLevel') return setLevel(on, body);
      if (name === 'resources/subscribe') return subscribe(on, body, true);
      if (name === 'resources/unsubscribe') return subscribe(on, body, false);
      return undefined;
    },
    left({ link, session }) {
      for (const uri of session.subscriptions) {
        if ([...link.sessions].some((each) => each.subscriptions.has(uri))) continue;
        const params = JSON.stringify({ uri });
        const body = `{"jsonrpc":"2.0","id":0,"method":"resources/unsubscribe","params":${params}}`;
        link.ask(Buffer.from(body), NOBODY, { id: '0', method: 'resources/unsubscribe', isModern: false });
      }
    },
  };
}

function subscribe({ link, session }: OnShared, body: Buffer, isOn: boolean): string | undefined {
  const uri = text(body, paramIn(body, 'uri'));
  if (uri === undefined) return undefined;
  const others = [...link.sessions].some((each) => each !== session && each.subscriptions.has(uri));
  if (isOn) session.subscriptions.add(uri);
  else session.subscriptions.delete(uri);
  return others ? EMPTY : undefined;
}

export const answerOf = (id: string, result: string): string =>
  `{"jsonrpc":"2.0","id":${id},"result":${result}}`;

function unsupported(id: string): string {
  const error = {
    code: -32022,
    message: 'Unsupported protocol version',
    data: { supported: [MODERN_VERSION] },
  };
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(error)}}`;
}

function capabilitiesIn(body: Buffer): Set<string> {
  const span = paramIn(body, 'capabilities');
  return new Set(span ? members(body, span.start).keys() : []);
}

function paramIn(body: Buffer, key: string) {
  const params = members(body).get('params');
  return params && members(body, params.start).get(key);
}

const NOBODY: UpstreamEvents = {
  head: () => undefined,
  chunk: () => undefined,
  end: () => undefined,
  fail: () => undefined,
};
