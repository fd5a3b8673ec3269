/** `auth: mtls`: who is let in by which certificate, on real connections. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createAuthority } from '../../certificates.ts';
import {
  type ClientAuthority,
  type ClientCertificate,
  createClientAuthority,
  selfSigned,
} from '../../client-certificates.ts';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { call, HEADERS } from './post.ts';
import { type ScriptedServer, startScriptedServer, startStream } from './scripted-server.ts';
import { type SidecarOptions, startSidecar, type TestSidecar, untilHealth } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

type Auth = NonNullable<SidecarOptions['auth']>;

const root = mkdtempSync(join(tmpdir(), 'kubectl-mcp-mtls-'));
const stops: (() => unknown)[] = [];
let authority: ClientAuthority;
let server: ScriptedServer;
let tls: NonNullable<NonNullable<SidecarOptions['edge']>['tls']>;

before(async () => {
  authority = await createClientAuthority('CN=clients');
  server = await startScriptedServer();
  const pair = await (await createAuthority()).issue(['localhost']);
  tls = { source: 'secret/tls', directory: mkdtempSync(join(root, 'tls-')) };
  writeAsKubelet(tls.directory!, { 'tls.crt': pair['tls.crt'], 'tls.key': pair['tls.key'] });
});
after(async () => {
  for (const stop of stops) await stop();
  await server.stop();
  rmSync(root, { recursive: true });
});

interface Started {
  readonly sidecar: TestSidecar;
  trust(ca: string): void;
}

/** @param beside other kinds */
async function start(
  options: { ca?: string; allow?: string[]; beside?: Auth; degraded?: true } = {},
): Promise<Started> {
  const directory = mkdtempSync(join(root, 'ca-'));
  const trust = (ca: string) => writeAsKubelet(directory, ca === '' ? {} : { 'ca.crt': ca });
  trust(options.ca ?? authority.ca);
  const { allow, beside } = options;
  const mtls = { mode: 'mtls', source: 'secret/client-ca', directory, ...(allow && { allow }) } as const;
  const auth = beside ? ({ mode: 'several', of: [mtls, beside] } as Auth) : mtls;
  const sidecar = await startSidecar({ upstreamPort: server.port, auth, edge: { tls } });
  stops.push(() => sidecar.stop());
  await untilHealth(sidecar, options.degraded ? 'degraded' : 'healthy');
  return { sidecar, trust };
}

interface Answered {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: Record<string, unknown>;
}

const agentOf = (shown?: ClientCertificate, options: object = {}): Agent => {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    rejectUnauthorized: false,
    ...shown,
    ...options,
  });
  stops.unshift(() => agent.destroy());
  return agent;
};

function ask(
  { sidecar }: Started,
  agent: Agent,
  headers: Record<string, string> = {},
): Promise<Answered & { reused: boolean }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        port: sidecar.listenPort,
        path: '/mcp',
        method: 'POST',
        headers: { ...HEADERS, host: 'localhost', ...headers },
      },
      (response) => {
        const reused = (response.socket as TLSSocket).isSessionReused();
        const { statusCode: status, headers: answered } = response;
        text(response).then((body) => resolve({ status, body, headers: answered, reused }), reject);
      },
    );
    sent.on('error', reject).end(JSON.stringify(call('echo')));
  });
}

/** With the record that it left. */
async function recorded(started: Started, agent: Agent, headers?: Record<string, string>) {
  const { audit } = started.sidecar;
  const before = audit.length;
  const answered = await ask(started, agent, headers);
  await waitFor('its record', () => audit.length > before);
  return { ...answered, subjects: audit.at(-1).subjects };
}

async function callerOf(started: Started, shown: ClientCertificate): Promise<string> {
  const { status, body, subjects } = await recorded(started, agentOf(shown));
  return status === 200 ? subjects.user : `${status} ${body}`;
}

const uri = (value: string) => ({ type: 'url', value }) as const;
const dns = (value: string) => ({ type: 'dns', value }) as const;

describe('auth: mtls', () => {
  let started: Started;
  before(async () => (started = await start()));

  for (const [what, wanted, name] of [
    [
      'a SPIFFE id before all else',
      { subject: 'CN=cn', names: [dns('a.example'), uri('spiffe://d/ns/a/sa/b'), uri('spiffe://d/c')] },
      'mtls:spiffe://d/ns/a/sa/b',
    ],
    ['a DNS name before the common name', { subject: 'CN=cn', names: [dns('a.example')] }, 'mtls:a.example'],
    ['the common name', { subject: 'CN=planner,O=agents' }, 'mtls:planner'],
    ['a common name that Kubernetes would fear', { subject: 'CN=system:admin' }, 'mtls:system:admin'],
    ['a common name of several words', { subject: [{ CN: ['A, O=x'] }] }, 'mtls:A, O=x'],
    [
      'a URI that looks like two names',
      { names: [uri('spiffe://d/a, DNS:admin'), dns('x')] },
      'mtls:spiffe://d/a, DNS:admin',
    ],
    ['a certificate that says nothing of its use', { subject: 'CN=a', usage: 'unsaid' }, 'mtls:a'],
  ] as const) {
    test(`lets in ${what}`, async () =>
      assert.equal(
        await callerOf(
          started,
          await authority.issue({
            ...wanted,
            names: [...('names' in wanted ? wanted.names : [])],
            subject: ('subject' in wanted ? wanted.subject : []) as string,
          }),
        ),
        name,
      ));
  }

  const REFUSED = '401 .*the client certificate is not accepted: ';
  for (const [what, issue, words] of [
    [
      'one that has expired',
      () => authority.issue({ subject: 'CN=a', notAfterMs: Date.now() - 1000 }),
      'it, or .* has expired',
    ],
    [
      'one that is not valid yet',
      () => authority.issue({ subject: 'CN=a', notBeforeMs: Date.now() + 60_000 }),
      'it is not valid yet',
    ],
    ['one of a server', () => authority.issue({ subject: 'CN=a', usage: 'server' }), 'it is not for clients'],
    [
      'one of another authority of the same name',
      async () => (await createClientAuthority('CN=clients')).issue({ subject: 'CN=a' }),
      'it is of none of the authorities',
    ],
    ['one that signed itself', () => selfSigned('CN=a'), 'it is of none of the authorities'],
    [
      'one that signed itself by the name of the authority',
      () => selfSigned('CN=clients'),
      'it is of none of the authorities',
    ],
    ['one without a name', () => authority.issue({}), 'it names nobody'],
    [
      'a line end in its name',
      () => authority.issue({ subject: [{ CN: ['a\nb'] }] }),
      'a name in it is empty',
    ],
    [
      'NUL in its name',
      () => authority.issue({ subject: [{ CN: ['admin\0.evil'] }] }),
      'a name in it is empty',
    ],
    [
      'NUL in a group',
      () => authority.issue({ subject: [{ CN: ['a'] }, { O: ['b\0'] }] }),
      'a name in it is empty',
    ],
    [
      'a text that turns around',
      () => authority.issue({ subject: [{ CN: ['a\u202eb'] }] }),
      'a name in it is empty',
    ],
    [
      'two common names',
      () => authority.issue({ subject: [{ CN: ['a'] }, { CN: ['b'] }] }),
      'it has several common names',
    ],
  ] as const) {
    test(`refuses ${what}`, async () =>
      assert.match(await callerOf(started, await issue()), new RegExp(REFUSED + words)));
  }

  test('takes a chain with what stands between, and not without it', async () => {
    const between = await (await authority.intermediate('CN=between')).issue({ subject: 'CN=deep' });
    assert.equal(await callerOf(started, between), 'mtls:deep');
    const [leaf] = between.cert.split(/(?<=END CERTIFICATE-----\n)/);
    assert.match(await callerOf(started, { ...between, cert: leaf! }), /none of the authorities/);
  });

  test('an authority in the middle alone is a fault: no chain would end there', async () => {
    const middle = await authority.intermediate('CN=middle');
    const below = await start({ ca: middle.ca, degraded: true });
    assert.deepEqual((await below.sidecar.health()).servers[0].problems, [
      'Secret client-ca: ca.crt holds no authority that signed itself, where chains could end',
    ]);
    assert.match(await callerOf(below, await middle.issue({ subject: 'CN=a' })), /^503/);
    below.trust(middle.ca + authority.ca);
    await untilHealth(below.sidecar, 'healthy');
    const leaf = await middle.issue({ subject: 'CN=a' });
    const [own] = leaf.cert.split(/(?<=END CERTIFICATE-----\n)/);
    assert.equal(await callerOf(below, { ...leaf, cert: own! }), 'mtls:a');
  });

  test('asks who has none for one, by no scheme that would send for a token', async () => {
    const { status, body, headers } = await ask(started, agentOf());
    assert.equal(status, 401);
    assert.match(body, /a client certificate is wanted/);
    assert.equal(headers['www-authenticate'], 'TLS-Client-Certificate realm="mcp"');
  });

  test('a token beside a certificate is not passed over', async () => {
    const agent = agentOf(await authority.issue({ subject: 'CN=a' }));
    const [bearer, basic] = [{ authorization: 'Bearer x' }, { authorization: 'Basic eDp5' }];
    for (const headers of [bearer, basic, { 'x-mcp-auth': 'x' }] as Record<string, string>[])
      assert.equal((await ask(started, agent, headers)).status, 401);
    assert.equal((await ask(started, agent)).status, 200);
  });

  test('groups are the organisations, behind the prefix', async () => {
    const shown = await authority.issue({ subject: 'CN=grouped,O=agents,O=system:masters' });
    const { subjects } = await recorded(started, agentOf(shown));
    assert.deepEqual(subjects.groups, ['mtls:agents', 'mtls:system:masters']);
  });

  test('only names that are allowed', async () => {
    const some = await start({ allow: ['spiffe://d/ns/a/*', 'planner'] });
    assert.equal(await callerOf(some, await authority.issue({ subject: 'CN=planner' })), 'mtls:planner');
    assert.match(
      await callerOf(some, await authority.issue({ names: [uri('spiffe://d/ns/a/b')] })),
      /^mtls:/,
    );
    assert.match(
      await callerOf(some, await authority.issue({ subject: 'CN=other' })),
      /^403 .*other\\" is not among the names/,
    );
  });

  test('a certificate that expires is refused on the connection that it opened', async () => {
    const agent = agentOf(await authority.issue({ subject: 'CN=brief', notAfterMs: Date.now() + 3_000 }));
    assert.equal((await ask(started, agent)).status, 200);
    await delay(3_500);
    const late = await ask(started, agent);
    assert.equal(late.status, 401);
    assert.match(late.body, /has expired/);
  });

  test('no session is resumed: it would bring the verdict of before', async () => {
    const shown = await authority.issue({ subject: 'CN=a' });
    const agent = agentOf(shown, { keepAlive: false, maxCachedSessions: 10 });
    for (let index = 0; index < 3; index++) {
      const { status, reused } = await ask(started, agent);
      assert.deepEqual({ status, reused }, { status: 200, reused: false });
    }
  });
});

describe('authorities of clients that change', () => {
  test('a connection of an authority that is gone is refused, and its streams end; of one that stays, or is renewed, goes on', async () => {
    const [old, kept] = [await createClientAuthority('CN=old'), await createClientAuthority('CN=kept')];
    const started = await start({ ca: old.ca + kept.ca });
    const { sidecar } = started;
    const [ofOld, ofKept] = [
      agentOf(await old.issue({ subject: 'CN=a' })),
      agentOf(await kept.issue({ subject: 'CN=b' })),
    ];
    server.answers.set('GET', (_, response) => void startStream(response));
    const stream = await listening(started, await old.issue({ subject: 'CN=a' }));
    assert.deepEqual([(await ask(started, ofOld)).status, (await ask(started, ofKept)).status], [200, 200]);
    started.trust((await kept.renewed()).ca);
    await waitFor(
      'the change',
      () => sidecar.events.filter(({ event }) => event === 'client_authorities_loaded').length === 2,
    );
    assert.equal((await ask(started, ofOld)).status, 401);
    assert.equal((await ask(started, ofKept)).status, 200);
    await waitFor('the end of the stream', stream.ended);
    // New connections are judged by the new ones, too.
    assert.match(await callerOf(started, await old.issue({ subject: 'CN=a' })), /^401/);
    assert.equal(await callerOf(started, await kept.issue({ subject: 'CN=c' })), 'mtls:c');
  });

  test('an authority of the same name with another key does not stand in for one that is gone', async () => {
    const [gone, other] = [await createClientAuthority('CN=same'), await createClientAuthority('CN=same')];
    const started = await start({ ca: gone.ca + other.ca });
    const agent = agentOf(await gone.issue({ subject: 'CN=a' }));
    assert.equal((await ask(started, agent)).status, 200);
    started.trust(other.ca);
    await waitFor('the refusal', async () => (await ask(started, agent)).status === 401);
  });

  test('a new authority is taken without a restart', async () => {
    const fresh = await createClientAuthority('CN=fresh');
    const started = await start();
    const shown = await fresh.issue({ subject: 'CN=a' });
    const agent = agentOf(shown);
    assert.equal((await ask(started, agent)).status, 401);
    started.trust(authority.ca + fresh.ca);
    // The refusal closed its connection: the next one is verified anew.
    await waitFor('the authority', async () => (await ask(started, agent)).status === 200);
  });

  test('while there is none nobody is let in, and /health says why', async () => {
    const started = await start();
    const agent = agentOf(await authority.issue({ subject: 'CN=a' }));
    assert.equal((await ask(started, agent)).status, 200);
    started.trust('');
    await untilHealth(started.sidecar, 'degraded');
    const { error } = (await started.sidecar.health()).servers[0];
    assert.equal(error, 'Secret client-ca: ca.crt holds no certificate in PEM');
    const { status, body } = await ask(started, agent);
    assert.equal(status, 503);
    assert.doesNotMatch(body, /client-ca/);
    started.trust(authority.ca);
    await waitFor('the authority', async () => (await ask(started, agent)).status === 200);
  });
});

describe('auth: mtls,token', () => {
  test('a bad token beside a good certificate is refused, a good one is its own caller, and none leaves the certificate', async () => {
    const directory = mkdtempSync(join(root, 'tokens-'));
    writeAsKubelet(directory, { alice: 'a-token' });
    const started = await start({ beside: { mode: 'token', source: 'secret/tokens', directory } as Auth });
    const agent = agentOf(await authority.issue({ subject: 'CN=a' }));
    const seen = async (headers?: Record<string, string>, by = agent) => {
      const { status, subjects } = await recorded(started, by, headers);
      return [status, subjects.user];
    };
    assert.deepEqual(await seen({ authorization: 'Bearer a-token' }), [200, 'token:alice']);
    assert.equal((await seen({ authorization: 'Bearer wrong' }))[0], 401);
    assert.deepEqual(await seen(), [200, 'mtls:a']);
    assert.deepEqual(await seen({ 'x-mcp-auth': 'a-token' }, agentOf()), [200, 'token:alice']);
    assert.equal((await seen({}, agentOf()))[0], 401);
    assert.equal((await seen({}, agentOf(await selfSigned('CN=a'))))[0], 401);
  });
});

function listening({ sidecar }: Started, shown: ClientCertificate): Promise<{ ended: () => boolean }> {
  return new Promise((resolve, reject) => {
    let over = false;
    const sent = request(
      {
        agent: agentOf(shown),
        port: sidecar.listenPort,
        path: '/mcp',
        headers: { accept: 'text/event-stream', host: 'localhost' },
      },
      (response) => {
        response.on('data', () => undefined).on('close', () => (over = true));
        resolve({ ended: () => over });
      },
    );
    sent.on('error', (error) => (over ? undefined : reject(error))).end();
  });
}
