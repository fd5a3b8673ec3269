/** The command as a process, in front of the real server-everything. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { get } from 'node:https';
import { networkInterfaces, tmpdir } from 'node:os';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createAuthority } from '../../certificates.ts';
import { freePorts } from '../../conformance/ports.ts';
import { startEverythingServer, type RunningServer } from '../../sidecar/wire/everything-server.ts';
import { connectV1, connectV2 } from '../../sidecar/wire/sdk-clients.ts';
import { waitFor } from '../../sidecar/wire/wait-for.ts';
import { spawnProxy, type RunningProxy } from '../proxy/spawn-proxy.ts';
import { run } from '../run.ts';

let everything: RunningServer;
let upstream: string;
let directory: string;
before(async () => {
  const [port = 0] = await freePorts(1);
  everything = await startEverythingServer(port);
  upstream = `http://127.0.0.1:${port}/mcp`;
  directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-proxy-test-'));
});
after(async () => {
  await everything.kill();
  rmSync(directory, { recursive: true });
});

const write = (name: string, content: string): string => {
  const path = join(directory, name);
  // As editors do: the file is another one then.
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
};

async function using<T>(proxy: RunningProxy, use: (proxy: RunningProxy) => Promise<T>): Promise<T> {
  try {
    return await use(proxy);
  } finally {
    assert.equal(await proxy.stop(), 0);
  }
}

const post = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  });

describe('clients of both SDKs behind a filter', () => {
  for (const [name, connect] of [
    ['v1', connectV1],
    ['v2', connectV2],
  ] as const) {
    test(`the ${name} client sees and calls what is left; an audit line for each on stdout`, async () => {
      await using(
        await spawnProxy(['--upstream', upstream, '--deny-tools', 'get-env', '--name', 'tried']),
        async (proxy) => {
          const client = await connect(proxy.url);
          const tools = await client.listTools();
          assert.ok(tools.includes('echo'));
          assert.ok(!tools.includes('get-env'));
          assert.match(await client.callTool('echo', { message: 'hello' }), /hello/);
          await assert.rejects(client.callTool('get-env', {}), /Unknown tool: get-env/);
          await client.close();
          const calls = await waitFor('two audit lines of calls', () => {
            const records = proxy.lines
              .map((line) => JSON.parse(line))
              .filter(({ type }) => type === 'mcp_tool_call');
            return records.length === 2 && records;
          });
          assert.deepEqual(
            calls.map(({ component, outcome, metadata }) => [component, outcome, metadata.extra.rule]),
            [
              ['tried', 'success', 'default'],
              ['tried', 'denied', 'deny-tools'],
            ],
          );
        },
      );
    });
  }
});

test('callers prove themselves with a token of a file, which is followed; audit lines are appended to a file', async () => {
  const tokens = write('tokens.txt', '# callers\nalice=token-of-alice\nbob=token-of-bob\n');
  const audit = write('audit.log', 'kept\n');
  const args = [
    '--upstream',
    upstream,
    '--auth',
    'token',
    '--auth-token-file',
    tokens,
    '--audit',
    `file:${audit}`,
  ];
  await using(await spawnProxy(args), async (proxy) => {
    const status = async (token: string): Promise<number> =>
      (await post(proxy.url, { authorization: `Bearer ${token}` })).status;
    assert.equal((await post(proxy.url)).status, 401);
    assert.equal(await status('token-of-eve'), 401);
    const client = await connectV1(proxy.url, { authorization: 'Bearer token-of-alice' });
    assert.match(await client.callTool('echo', { message: 'hello' }), /hello/);
    await client.close();
    write('tokens.txt', 'bob=token-of-bob\n');
    await waitFor('alice is not let in', async () => (await status('token-of-alice')) === 401);
    assert.notEqual(await status('token-of-bob'), 401);
    rmSync(tokens);
    await waitFor('nobody is let in', async () => (await status('token-of-bob')) === 503);
    assert.match(proxy.stderr(), /Warning: --auth-token-file .*tokens\.txt: is not there\n/);
    assert.deepEqual(proxy.lines, []);
    const users = await waitFor('the audit line of the call', () => {
      const [first, ...lines] = readFileSync(audit, 'utf8').trimEnd().split('\n');
      assert.equal(first, 'kept');
      const records = lines.map((line) => JSON.parse(line)).filter(({ target }) => target.name === 'echo');
      return records.length > 0 && records.map(({ subjects }) => subjects.user);
    });
    assert.deepEqual(users, ['token:alice']);
    assert.doesNotMatch(proxy.stderr() + readFileSync(audit, 'utf8'), /token-of-/);
  });
});

test('a policy file is taken when it is saved; a broken one is not', async () => {
  const policy = write('policy.yaml', 'version: 1\ntools: { deny: [get-env] }\n');
  await using(await spawnProxy(['--upstream', upstream, '--policy-file', policy]), async (proxy) => {
    const client = await connectV2(proxy.url);
    assert.ok(!(await client.listTools()).includes('get-env'));
    write('policy.yaml', 'version: 1\ntools: { allow: [echo] }\n');
    await waitFor('the second policy', async () => (await client.listTools()).join() === 'echo');
    write('policy.yaml', 'version: 1\ntools: { alow: [echo] }\n');
    await waitFor('a warning', () => /Warning: file .*alow/.test(proxy.stderr()));
    assert.deepEqual(await client.listTools(), ['echo']);
    await client.close();
  });
  const { code, stderr } = await run(['proxy', '--upstream', upstream, '--policy-file', policy]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: --policy-file .*policy\.yaml: .*alow/);
});

for (const [signal, duration] of [
  ['SIGTERM', 1.5],
  // Longer than other commands have to clean up after Ctrl-C.
  ['SIGINT', 4],
] as const) {
  test(`${signal} lets the call under way end, and the exit code is 0`, async () => {
    const proxy = await spawnProxy(['--upstream', upstream]);
    const client = await connectV1(proxy.url);
    const underWay = Promise.withResolvers<void>();
    const call = client.callTool('trigger-long-running-operation', { duration, steps: 8 }, () =>
      underWay.resolve(),
    );
    await underWay.promise;
    const stopped = proxy.stop(signal);
    await waitFor('new connections are refused', () =>
      fetch(proxy.url).then(
        () => false,
        () => true,
      ),
    );
    assert.match(await call, /completed/);
    assert.equal(await stopped, 0);
    assert.match(proxy.stderr(), /Waiting up to 30 s for calls under way/);
    await client.close().catch(() => undefined);
  });
}

test('a second Ctrl-C ends the calls, and copies of secrets are not left behind', async () => {
  const runtime = mkdtempSync(join(directory, 'run-'));
  const tokens = write('tokens-left.txt', 'alice=token-of-alice');
  const proxy = await spawnProxy(['--upstream', upstream, '--auth-token-file', tokens], { runtime });
  const [copies = ''] = readdirSync(runtime);
  assert.equal(statSync(join(runtime, copies)).mode & 0o777, 0o700);
  const client = await connectV1(proxy.url, { authorization: 'Bearer token-of-alice' });
  const underWay = Promise.withResolvers<void>();
  const call = client.callTool('trigger-long-running-operation', { duration: 60, steps: 600 }, () =>
    underWay.resolve(),
  );
  call.catch(() => undefined);
  await underWay.promise;
  proxy.child.kill('SIGINT');
  await waitFor('patience', () => proxy.stderr().includes('Ctrl-C ends them'));
  assert.equal(await proxy.stop('SIGINT'), 130);
  assert.deepEqual(readdirSync(runtime), []);
  await client.close().catch(() => undefined);
});

test('without its server the proxy starts, says so, and goes on when it comes', async () => {
  const [port = 0] = await freePorts(1);
  await using(await spawnProxy(['--upstream', `http://127.0.0.1:${port}/mcp`]), async (proxy) => {
    const health = async (): Promise<string> =>
      ((await (await fetch(`${proxy.admin}/health`)).json()) as { status: string }).status;
    assert.equal(await health(), 'degraded');
    await waitFor('a warning', () =>
      proxy
        .stderr()
        .includes(`Warning: the server at http://127.0.0.1:${port}/mcp does not answer: nothing listens`),
    );
    const late = await startEverythingServer(port);
    await waitFor('health', async () => (await health()) === 'healthy');
    const client = await connectV2(proxy.url);
    assert.ok((await client.listTools()).length > 5);
    await client.close();
    await late.kill();
  });
});

describe('an address that other machines reach', () => {
  const [elsewhere] = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address);

  for (const listen of ['0.0.0.0:0', ':0', '[::]:0', `${elsewhere ?? '192.0.2.1'}:0`, 'example.com:0']) {
    test(`${listen} is refused without authentication`, async () => {
      const { code, stdout, stderr } = await run(['proxy', '--listen', listen, '--upstream', upstream]);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(
        stderr,
        /^error: --listen \S+ can be reached from other machines, and without authentication anyone/,
      );
      assert.match(stderr, /--auth-token-file FILE, or say --insecure\n/);
    });
  }

  test('is listened on with tokens, or with --insecure; health stays on the loopback', async () => {
    const tokens = write('tokens-elsewhere.txt', 'token-of-one');
    for (const extra of [['--auth-token-file', tokens], ['--insecure']]) {
      await using(
        await spawnProxy(['--upstream', upstream, ...extra], { listen: '0.0.0.0:0' }),
        async (proxy) => {
          const port = new URL(proxy.url).port;
          const { status } = await post(`http://${elsewhere ?? '127.0.0.1'}:${port}/mcp`);
          assert.equal(status === 401, extra.length > 1, `${status}`);
          assert.equal(/Warning: tokens cross the network in clear/.test(proxy.stderr()), extra.length > 1);
          if (elsewhere)
            await assert.rejects(
              fetch(proxy.admin.replace('127.0.0.1', elsewhere)),
              'the admin port is open to others',
            );
        },
      );
    }
  });
});

test('the server gets its own Host and the headers of a file', async () => {
  const seen: unknown[][] = [];
  const server = createServer(({ headers }, response) => {
    seen.push([headers.host, headers['x-api-key']]);
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const headers = write('headers.txt', 'X-Api-Key: k-1\n');
  try {
    for (const host of ['127.0.0.1', 'localhost']) {
      const args = ['--upstream', `http://${host}:${port}`, '--upstream-headers-file', headers];
      await using(await spawnProxy(args), async () => {
        await waitFor('a request', () => seen.some(([each]) => each === `${host}:${port}`));
      });
    }
    assert.ok(seen.every(([, key]) => key === 'k-1'));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

const upstreamPort = (): number => Number(new URL(upstream).port);
/** As the webhook writes it. */
const document = (auth: object): object => ({
  version: 1,
  adminPort: 7411,
  drain: { path: '/drain/abcdefghijklmnop', timeoutMs: 25_000 },
  servers: [
    {
      name: 'everything',
      listenPort: 7410,
      upstream: { transport: 'streamable-http', port: 3001, path: '/' },
      auth,
      filter: { allowTools: ['echo'], mode: 'all' },
      audit: 'stdout',
    },
  ],
});
const serverInYaml = (name: string, listenPort: number, path: string): string =>
  `- { name: ${name}, listenPort: ${listenPort}, upstream: { transport: streamable-http, port: ${upstreamPort()}, path: ${path} }, auth: { mode: none } }\n`;

describe('a document of the sidecar', () => {
  test('as the webhook writes it runs with the addresses and callers of this machine', async () => {
    const input = JSON.stringify(document({ mode: 'kubernetes', audience: 'a', allowPrincipals: ['ns/*'] }));
    const args = [
      '--config',
      '-',
      '--upstream',
      upstream,
      '--auth',
      'none',
      '--audit',
      'none',
      '--admin-port',
      '0',
    ];
    await using(await spawnProxy(args, { input }), async (proxy) => {
      const client = await connectV2(proxy.url);
      assert.deepEqual(await client.listTools(), ['echo']);
      await client.close();
      assert.deepEqual(proxy.lines, []);
    });
  });

  test('in YAML, of several servers, with ports of its own', async () => {
    const [one = 0, other = 0] = await freePorts(2);
    const config = write(
      'two.yaml',
      `servers:\n${serverInYaml('one', one, '/other')}${serverInYaml('other', other, '/mcp')}`,
    );
    const proxy = await spawnProxy(['--config', config, '--audit', 'none'], { listen: 'none' });
    await using(proxy, async () => {
      assert.equal(proxy.url, `http://127.0.0.1:${one}/mcp`);
      const client = await connectV1(`http://127.0.0.1:${other}/mcp`);
      assert.ok((await client.listTools()).includes('echo'));
      await client.close();
    });
    const { code, stderr } = await run(['proxy', '--config', config, '--listen', '127.0.0.1:0']);
    assert.equal(code, 1);
    assert.match(stderr, /^error: --listen is for one server, and .*two\.yaml has 2\n/);
  });
});

test('TLS with a certificate of a file', async () => {
  const issued = await (await createAuthority()).issue(['localhost']);
  const [cert, key] = (['tls.crt', 'tls.key'] as const).map((name) => write(name, issued[name])) as [
    string,
    string,
  ];
  const flags = ['--upstream', upstream, '--tls-cert-file', cert, '--tls-private-key-file', key];
  await using(await spawnProxy(flags, { listen: 'localhost:0' }), async (proxy) => {
    assert.match(proxy.url, /^https:\/\/localhost:\d+\/mcp$/);
    const health = await new Promise((resolve, reject) =>
      get(proxy.url.replace('/mcp', '/ready'), { ca: issued['ca.crt'] }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject),
    );
    assert.equal(health, 200);
  });
  const { stderr } = await run(['proxy', ...flags.slice(0, -1), cert]);
  assert.match(stderr, /^error: --tls-cert-file .* is not a certificate in PEM and its private key\n/);
});

describe('what cannot be run is refused with the cause and the next step', () => {
  const url = 'http://127.0.0.1:3001/mcp';
  for (const [args, stderr] of [
    [
      [],
      'error: required flag(s) "upstream" not set: the URL of the MCP server, as http://127.0.0.1:3001/mcp; or give the command of one that speaks stdio, as -- npx -y @modelcontextprotocol/server-memory\n',
    ],
    [
      ['--upstream', 'ftp://example.com/mcp'],
      'error: invalid argument "ftp://example.com/mcp" for "--upstream" flag: expected http://HOST:PORT/PATH or https://…, ',
    ],
    [
      ['--upstream', '127.0.0.1:3001'],
      'error: invalid argument "127.0.0.1:3001" for "--upstream" flag: expected http://',
    ],
    [
      ['--upstream', url, '--listen', 'here'],
      'error: invalid argument "here" for "--listen" flag: expected ADDRESS:PORT',
    ],
    [
      ['--upstream', url, '--listen', '127.0.0.1:70000'],
      'error: invalid argument "127.0.0.1:70000" for "--listen" flag: ',
    ],
    [
      ['--upstream', url, '--listen', '127.0.0.1:3001'],
      'error: --upstream leads to port 3001, which --listen gives to the proxy itself\n',
    ],
    [['--upstream', url, '--mode', 'some'], 'error: --mode="some" is not allowed; set it to "all" or '],
    [
      ['--upstream', url, '--mcp-request-timeout', '5'],
      'error: --mcp-request-timeout="5" is not allowed; set it to a duration from 1s to 24h',
    ],
    [['--upstream', url, '--deny-tools', 'get env', '--name', 'A'], 'error: --name="A" is not allowed; '],
    [
      ['--upstream', url, '--auth', 'kubernetes'],
      "error: --auth kubernetes needs a pod: its proxy reads the cluster's keys with the pod's own service account\nHere callers ",
    ],
    [['--upstream', url, '--auth', 'token'], 'error: --auth token needs --auth-token-file FILE: '],
    [
      ['--upstream', url, '--auth', 'none', '--auth-token-file', 'f'],
      'error: --auth-token-file has no effect with --auth none\n',
    ],
    [
      ['--upstream', url, '--auth-token-file', '/nonexistent'],
      'error: --auth-token-file /nonexistent: is not there\n',
    ],
    [
      ['--upstream', url, '--tls-cert-file', '/c'],
      'error: --tls-cert-file and --tls-private-key-file belong together\n',
    ],
    [
      ['--upstream', url, '--audit', 'syslog'],
      'error: invalid argument "syslog" for "--audit" flag: expected stdout, none or ',
    ],
    [
      ['--upstream', url, '--audit', 'file:/nonexistent/a'],
      'error: --audit file:/nonexistent/a: cannot be opened for writing: ENOENT\n',
    ],
    [['--upstream', url, '--token-secret', 's'], 'error: unknown flag: --token-secret\n'],
    [
      ['--upstream', url, '-o', 'yaml'],
      'error: unable to match a printer suitable for the output format "yaml", ',
    ],
    [['--config', '/nonexistent'], 'error: the path "/nonexistent" does not exist\n'],
    [['--config', '/nonexistent', '--mode', 'all'], 'error: --mode may not be used together with --config: '],
  ] as const) {
    test(`kubectl mcp proxy ${args.join(' ')}`, async () => {
      const ran = await run(['proxy', ...args]);
      assert.equal(ran.stderr.slice(0, stderr.length), stderr);
      assert.equal(ran.stdout, '');
      assert.equal(ran.code, 1);
    });
  }

  test('a port that is taken', async () => {
    const at = new URL(upstream).host;
    const { code, stderr } = await run(['proxy', '--listen', at, '--upstream', 'http://127.0.0.1:9/mcp']);
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`error: --listen: ${at} is in use\nName another port with --listen, or 0 for a free one\n$`),
    );
  });
});
