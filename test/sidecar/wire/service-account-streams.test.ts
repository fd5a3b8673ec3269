/** Streams that outlive what they were opened with: tokens of service accounts expire, and the cluster's keys change. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, mock, test } from 'node:test';
import { TESTS_BUNDLES } from '../../bundles/programs.ts';
import { cluster, key, other } from '../auth/ask-cluster.ts';
import { AUDIENCE, mintToken } from '../auth/fake-cluster.ts';
import { listen } from './listen.ts';
import { post } from './post.ts';
import { LIST, start } from './proxied.ts';
import { startStream } from './scripted-server.ts';
import { waitFor } from './wait-for.ts';

/** The sidecar looks every five seconds. */
const SWEEP_MS = 5_500;

afterEach(() => mock.timers.reset());

const skip = TESTS_BUNDLES && 'moves the clock of its own process';

describe('streams of service accounts', { skip }, () => {
  test('end with their token, and with its key, and with nothing else', async () => {
    let nowMs = Date.now();
    mock.timers.enable({ apis: ['Date'], now: nowMs });
    const forwardMs = (ms: number) => mock.timers.setTime((nowMs += ms));
    const { server, sidecar } = await start({
      auth: {
        mode: 'kubernetes',
        audience: AUDIENCE,
        allowPrincipals: ['ns/*'],
        directory: cluster.directory,
      },
      apiServer: cluster.apiServer,
    });
    server.answers.set('GET', (_, response) => void startStream(response));
    const exp = Math.floor(nowMs / 1000) + 600;
    const first = await listen(sidecar.url, await mintToken(key));
    const short = await listen(sidecar.url, await mintToken(key, { exp }));

    // Another key, beside the one that is in use.
    cluster.keys = [key.jwk, other.jwk];
    forwardMs(6_000);
    const second = await listen(sidecar.url, await mintToken(other));
    await delay(SWEEP_MS);
    assert.deepEqual([first(), short(), second()], [false, false, false]);

    forwardMs(600_000);
    await waitFor('the end of the one that expired', short);
    assert.deepEqual([first(), second()], [false, false]);

    cluster.keys = [other.jwk];
    forwardMs(6_000);
    // A key that nobody has makes the sidecar ask.
    const stranger = await mintToken(other, {}, { kid: 'stranger' });
    assert.equal((await post(sidecar.url, LIST, { authorization: `Bearer ${stranger}` })).status, 401);
    await waitFor('the end of the one whose key is gone', first);
    await delay(500);
    assert.equal(second(), false);
    assert.deepEqual(
      sidecar.events.filter(({ event }) => event === 'stream_revoked'),
      Array.from({ length: 2 }, () => ({
        event: 'stream_revoked',
        server: 'tested',
        caller: 'system:serviceaccount:ns:caller',
      })),
    );
  });
});
