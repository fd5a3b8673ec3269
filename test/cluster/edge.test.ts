/** What stands between the proxy and a hostile network, on real pods: Host, Origin, TLS, time, limits, what changes in flight. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { X509Certificate } from 'node:crypto';
import { createAuthority, type Issued } from '../certificates.ts';
import { type Got, INITIALIZE, openSession, send } from './edge-requests.ts';
import {
  apply,
  everything,
  filled,
  inNamespace,
  NAMESPACE,
  policy,
  tlsSecret,
  TOKEN,
  workload,
} from './edge-workloads.ts';
import { run } from '../plugin/run.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { noCluster } from './kubectl.ts';
import { createNamespace, removeNamespace } from './namespace.ts';

const IN_TIME_MS = 120_000;

const mcp = (...args: string[]) =>
  run([...args, '-n', NAMESPACE], { env: { KUBECONFIG: layoutOf(process.env).kubeconfig } });

const address = (service: string) =>
  inNamespace('get', 'service', service, '-o', 'jsonpath={.spec.clusterIP}');

async function thePod(app: string): Promise<V1Pod> {
  const list = JSON.parse(await inNamespace('get', 'pods', '-l', `app=${app}`, '-o', 'json'));
  return (list.items as V1Pod[]).find((each) => !each.metadata!.deletionTimestamp)!;
}

/** The first value that passes; the last one when the time is over. */
/** A Service's address is refused until kube-proxy has seen the endpoint. */
const sendOnceThere = (...request: Parameters<typeof send>): ReturnType<typeof send> =>
  send(...request).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNREFUSED') throw error;
    return { status: 0, headers: {}, body: error.message };
  });

async function until<T>(read: () => Promise<T>, isWanted: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + IN_TIME_MS;
  for (;;) {
    const value = await read();
    if (isWanted(value) || Date.now() > deadline) return value;
    await sleep(500);
  }
}

const longCall = (duration: number, steps: number, progressToken?: string): object => ({
  method: 'tools/call',
  params: {
    name: 'trigger-long-running-operation',
    arguments: { duration, steps },
    ...(progressToken && { _meta: { progressToken } }),
  },
});

describe('the edge on a cluster', { skip: noCluster, timeout: 400_000 }, () => {
  const directory = mkdtemp(join(tmpdir(), 'kubectl-mcp-edge-'));
  let first: Issued;
  let second: Issued;
  let open = '';
  let secured = '';
  let tokenFile = '';
  const tls = () => ({ ca: first['ca.crt'], servername: `secured.${NAMESPACE}.svc` });
  const atHost = (host: string) => send({ address: open, headers: { host }, body: INITIALIZE });
  const preflight = (origin: string) =>
    send({
      address: open,
      method: 'OPTIONS',
      headers: {
        origin,
        host: 'tools.example.com',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,mcp-protocol-version,mcp-session-id',
      },
    });
  const callFrom = (origin: string) =>
    send({ address: open, headers: { origin, host: 'tools.example.com' }, body: INITIALIZE });
  const atSecured = (token = TOKEN) => ({
    address: secured,
    tls: tls(),
    headers: { authorization: `Bearer ${token}` },
  });

  before(async () => {
    const authority = await createAuthority();
    [first, second] = (await Promise.all(
      [1, 2].map(() => authority.issue([`secured.${NAMESPACE}.svc`])),
    )) as [Issued, Issued];
    tokenFile = join(await directory, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`);
    await createNamespace(NAMESPACE);
    await apply(
      tlsSecret(first),
      policy('spare'),
      ...workload(
        'open',
        {
          auth: 'none',
          'allowed-hosts': 'tools.example.com, *.apps.example.com',
          'allowed-origins': 'https://app.example.com',
          'public-url': 'https://mcp.example.net/mcp',
          'request-timeout': '2s',
          'max-requests-in-flight': '2',
        },
        everything,
      ),
      ...workload(
        'secured',
        {
          auth: 'token',
          container: 'server',
          'token-volume': 'callers/mcp',
          'upstream-headers-volume': 'upstream/headers',
          'tls-secret': 'secured-tls',
          policy: 'secured-policy',
        },
        filled,
      ),
      ...workload('waiting', { auth: 'none', 'tls-secret': 'not-there', policy: 'not-there' }, everything),
    );
    await Promise.all(
      ['open', 'secured'].map((each) =>
        inNamespace('rollout', 'status', `deployment/${each}`, '--timeout=120s'),
      ),
    );
    [open, secured] = (await Promise.all(['open', 'secured'].map(address))) as [string, string];
    const answers = await Promise.all([
      until(
        () => sendOnceThere({ address: open, body: INITIALIZE }),
        ({ status }) => status === 200,
      ),
      until(
        () => sendOnceThere({ ...atSecured(), body: INITIALIZE }),
        ({ status }) => status === 200,
      ),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
      JSON.stringify(answers),
    );
  });
  after(async () => {
    await rm(await directory, { recursive: true, force: true });
    await removeNamespace(NAMESPACE);
  });

  test('a request names a Host of the server, or is refused', async () => {
    for (const host of [
      'open',
      `open.${NAMESPACE}`,
      `open.${NAMESPACE}.svc`,
      `open.${NAMESPACE}.svc.cluster.local`,
      `open.${NAMESPACE}.svc:80`,
      'localhost:7410',
      open,
      'tools.example.com',
      'a.apps.example.com',
      'mcp.example.net',
    ]) {
      assert.equal((await atHost(host)).status, 200, host);
    }
    for (const host of [
      'rebound.attacker.example',
      'apps.example.com',
      'a.b.apps.example.com',
      'open.other.svc',
    ]) {
      const { status, body } = await atHost(host);
      assert.equal(status, 403, host);
      assert.match(body, /"error"/, host);
    }
    const log = await inNamespace('logs', (await thePod('open')).metadata!.name!, '-c', 'mcp-proxy');
    assert.match(log, /rebound\.attacker\.example|host-forbidden|Host/);
  });

  test('a web page of a listed origin may call, no other', async () => {
    const allowed = await preflight('https://app.example.com');
    assert.ok(allowed.status < 300, String(allowed.status));
    assert.equal(allowed.headers['access-control-allow-origin'], 'https://app.example.com');
    assert.match(allowed.headers['access-control-allow-headers'] ?? '', /authorization/i);
    assert.match(allowed.headers['access-control-allow-methods'] ?? '', /POST/);
    const other = await preflight('https://evil.example');
    assert.equal(other.headers['access-control-allow-origin'], undefined);

    const answer = await callFrom('https://app.example.com');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example.com');
    assert.match(answer.headers['access-control-expose-headers'] ?? '', /mcp-session-id/i);
    for (const origin of ['https://evil.example', 'null', 'https://app.example.com.evil.example']) {
      assert.equal((await callFrom(origin)).status, 403, origin);
    }
  });

  test('a call is given up when the server is silent, and goes on while it tells of progress', async () => {
    const call = await openSession({ address: open });
    const [silent, telling] = await Promise.all([call(longCall(8, 1)), call(longCall(5, 5, 'p'))]);
    assert.match(silent.body, /"error".*did not answer in time/s, `${silent.status} ${silent.body}`);
    assert.match(telling.body, /notifications\/progress[\s\S]*Long running operation completed/);
  });

  test('more calls than max-requests-in-flight are told to come again', async () => {
    const call = await openSession({ address: open });
    const answers: Got[] = await Promise.all([1, 2, 3, 4].map((each) => call(longCall(3, 6, `p${each}`))));
    const refused = answers.filter(({ status }) => status === 503);
    assert.equal(answers.filter(({ status }) => status === 200).length, 2, JSON.stringify(answers));
    assert.equal(refused.length, 2);
    for (const each of refused) assert.match(String(each.headers['retry-after']), /^\d+$/);
    assert.equal((await call({ method: 'ping' })).status, 200, 'and then there is room again');
  });

  test('with a tls-secret the listen port speaks TLS alone, and kubectl mcp with it', async () => {
    await assert.rejects(send({ address: secured, body: INITIALIZE }), 'plain HTTP');
    const names = await mcp('tools', 'deploy/secured', '--token-from-file', tokenFile, '-o', 'name');
    assert.deepEqual(names, { code: 0, stdout: 'headers\n', stderr: '' }, 'the policy hides the other one');
    const list = await mcp('list', '--no-headers');
    assert.match(
      list.stdout,
      new RegExp(`deployment/secured .* 1 +https://secured\\.${NAMESPACE}\\.svc:80/mcp`),
    );
    const foreign = join(await directory, 'foreign.crt');
    writeFileSync(foreign, (await (await createAuthority()).issue(['x']))['ca.crt']);
    const flags = ['tools', 'deploy/secured', '--token-from-file', tokenFile, '-o', 'name'];
    const untrusted = await mcp(...flags, '--mcp-certificate-authority', foreign);
    assert.equal(untrusted.code, 1);
    assert.match(
      untrusted.stderr,
      /certificate that is not accepted by .*foreign\.crt: .*\nGive its CA: --mcp-/,
    );
    const any = await mcp(...flags, '--mcp-insecure-skip-tls-verify');
    assert.equal(any.stdout, 'headers\n', any.stderr);
    assert.match(
      (await mcp('tools', 'secured')).stderr,
      /takes tokens from volume callers of its pods.*\nGive one: --token-from-file/,
    );
  });

  test('the server is sent the headers that another container provides, and no token', async () => {
    const { stdout, stderr } = await mcp('call', 'secured', 'headers', '--token-from-file', tokenFile);
    assert.match(stdout, /"x-api-key":"key-1"/, stderr);
    assert.doesNotMatch(stdout, /authorization|alice/i);
    assert.equal((await send({ ...atSecured('wrong-0123456789abcdef'), body: INITIALIZE })).status, 401);
  });

  test('certificate, policy, tokens and headers change in flight', async (t) => {
    const pod = await thePod('secured');
    const { name, uid } = pod.metadata!;
    const startedMs = Date.now();
    await apply(tlsSecret(second), policy('headers'));
    // The kubelet looks at a pod's volumes by itself within a minute or so, and at once when the pod changes; by then
    // it must have seen the objects.
    await sleep(1_000);
    await inNamespace('annotate', 'pod', name!, 'example.com/touched=1');
    const write = (text: string, path: string) =>
      inNamespace(
        'exec',
        name!,
        '-c',
        'agent',
        '--',
        '/bin/busybox',
        'sh',
        '-c',
        `/bin/busybox printf %s ${text} > ${path}`,
      );
    await write('bob-0123456789abcdef', '/secrets/mcp/bob');
    await write('key-2', '/upstream/headers/x-api-key');
    const bob = 'bob-0123456789abcdef';
    const serial = new X509Certificate(second['tls.crt']).serialNumber;
    const took = async (what: string, work: Promise<unknown>): Promise<void> => {
      await work;
      t.diagnostic(`${what}: ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
    };
    const tools = async (): Promise<string[]> => {
      const call = await openSession(atSecured());
      return [...(await call({ method: 'tools/list' })).body.matchAll(/"name":"(\w+)"/g)].map(
        (each) => each[1]!,
      );
    };
    const initialized = (token: string) => () => send({ ...atSecured(token), body: INITIALIZE });
    await Promise.all([
      took(
        'certificate',
        until(initialized(TOKEN), (got) => got.serial === serial),
      ),
      took(
        'policy',
        until(tools, (names) => names.join() === 'spare'),
      ),
      took(
        'token',
        until(initialized(bob), ({ status }) => status === 200),
      ),
    ]);
    assert.equal((await initialized(TOKEN)()).serial, serial);
    assert.deepEqual(await tools(), ['spare']);
    assert.equal((await initialized(bob)()).status, 200);
    await inNamespace('exec', name!, '-c', 'agent', '--', '/bin/busybox', 'rm', '/secrets/mcp/alice');
    assert.equal((await until(initialized(TOKEN), ({ status }) => status === 401)).status, 401, 'revoked');
    const call = await openSession(atSecured(bob));
    const key = async () => (await call({ method: 'tools/call', params: { name: 'spare' } })).body;
    assert.match(await until(key, (text) => text.includes('key-2')), /key-2/);

    const same = await thePod('secured');
    assert.equal(same.metadata!.uid, uid);
    assert.deepEqual(
      same.status!.initContainerStatuses!.map(({ restartCount }) => restartCount),
      [0],
    );
  });

  test('a pod waits for a tls-secret and a policy that are not there, and doctor says so', async () => {
    const { status } = await thePod('waiting');
    assert.equal(status!.phase, 'Pending');
    const { code, stdout } = await mcp('doctor', 'deployment/waiting');
    assert.equal(code, 1);
    assert.match(stdout, /× MCP304 Secret not-there in namespace .* does not exist\n +new pods wait for it/);
    assert.match(stdout, /× MCP710 ConfigMap not-there in namespace .* does not exist/);
  });

  test('an Ingress whose host the proxy refuses, and a check that is switched off, are told', async () => {
    await inNamespace('create', 'ingress', 'web', '--rule=outside.example.com/*=open:80', '--class=none');
    const flags = ['--keep-service', '--dry-run=server', '--allowed-origins=*'];
    const { code, stderr } = await mcp('enable', 'deploy/open', ...flags);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /Warning: ingress\/web sends requests for host outside\.example\.com, which the proxy refuses/,
    );
    assert.match(stderr, /Warning: kubectl-mcp\.dev\/allowed-origins holds "\*": any web page may call/);
    const { stdout } = await mcp('doctor', 'deployment/open');
    assert.match(stdout, /‼ MCP711 .* refuses requests for host outside\.example\.com/);
  });

  test('enable looks at what it is given before it changes anything', async () => {
    await inNamespace('create', 'secret', 'generic', 'opaque', '--from-literal=a=b');
    await inNamespace('create', 'configmap', 'broken', '--from-literal=policy.yaml=version: 2');
    const old = await inNamespace('get', 'deployment/open', '-o', 'jsonpath={.metadata.generation}');
    for (const [flags, says] of [
      [
        ['--tls-secret=none'],
        /Secret none in namespace .* does not exist\n[\s\S]*kubectl create secret tls none/,
      ],
      [
        ['--tls-secret=opaque'],
        /Secret opaque .* is of type Opaque, not kubernetes\.io\/tls\n[\s\S]*cannot be served/,
      ],
      [['--policy=broken'], /ConfigMap broken .* holds no policy in policy\.yaml\n +version: 2/],
      [
        ['--upstream-headers-volume=nowhere'],
        /would be refused: they have no volume "nowhere", which they are to mount\nNext: add the volume/,
      ],
    ] as const) {
      const { code, stderr } = await mcp('enable', 'deploy/open', '--keep-service', ...flags);
      assert.equal(code, 1, flags.join());
      assert.match(stderr, says);
    }
    const now = await inNamespace('get', 'deployment/open', '-o', 'jsonpath={.metadata.generation}');
    assert.equal(now, old);
  });
});
