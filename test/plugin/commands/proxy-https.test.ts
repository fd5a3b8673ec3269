/** The command in front of the real server-everything behind TLS. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createAuthority } from '../../certificates.ts';
import { freePorts } from '../../conformance/ports.ts';
import { startEverythingServer, type RunningServer } from '../../sidecar/wire/everything-server.ts';
import { connectV1, connectV2 } from '../../sidecar/wire/sdk-clients.ts';
import { waitFor } from '../../sidecar/wire/wait-for.ts';
import { startTlsFront, type TlsFront } from '../../tls-front.ts';
import { spawnProxy, type RunningProxy } from '../proxy/spawn-proxy.ts';
import { run } from '../run.ts';

const [authority, other] = await Promise.all([createAuthority(), createAuthority()]);
let everything: RunningServer;
let port: number;
let directory: string;
const fronts: TlsFront[] = [];
before(async () => {
  [port] = (await freePorts(1)) as [number];
  everything = await startEverythingServer(port);
  directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-proxy-https-'));
});
after(async () => {
  for (const each of fronts) await each.stop();
  await everything.kill();
  rmSync(directory, { recursive: true });
});

const write = (name: string, content: string): string => {
  const path = join(directory, name);
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
  return path;
};

async function front(names: readonly string[], options?: Parameters<typeof authority.issue>[1]) {
  const pair = await authority.issue(names, options);
  const started = await startTlsFront(port, pair);
  fronts.push(started);
  return { ...started, ca: pair['ca.crt'], url: `https://localhost:${started.port}/mcp` };
}

async function using(args: readonly string[], use: (proxy: RunningProxy) => Promise<void>): Promise<void> {
  const proxy = await spawnProxy(args);
  try {
    await use(proxy);
  } finally {
    assert.equal(await proxy.stop(), 0);
  }
}
const says = (proxy: RunningProxy, words: RegExp): Promise<unknown> =>
  waitFor(`${words}`, () => words.test(proxy.stderr()));

describe('proxy --upstream https://', () => {
  test('serves clients of both SDKs, by the CA of a file', async () => {
    const { ca, url, handshakes } = await front(['localhost']);
    const file = write('ca.crt', ca);
    await using(['--upstream', url, '--upstream-certificate-authority', file], async (proxy) => {
      for (const connect of [connectV1, connectV2]) {
        const client = await connect(proxy.url);
        assert.ok((await client.listTools()).includes('echo'));
        assert.match(await client.callTool('echo', { message: 'hello' }), /hello/);
        await client.close();
      }
      assert.ok(proxy.stderr().includes(` -> ${url} (auth none`), proxy.stderr());
      assert.doesNotMatch(proxy.stderr(), /Warning/);
    });
    assert.ok(handshakes.length > 0 && handshakes.every(({ alpn }) => alpn === 'http/1.1'));
  });

  for (const [title, names, options, words] of [
    [
      'has expired',
      ['localhost'],
      { notAfterMs: Date.now() - 1_000 },
      /its certificate has expired.*\nIt needs a new one/,
    ],
    [
      'is for another host',
      ['tools.example.com'],
      {},
      /its certificate is for another name \(DNS:tools\.example\.com\).*\nGive --upstream with a name of its certificate/,
    ],
  ] as const)
    test(`says that a certificate ${title}, and what to do`, async () => {
      const { ca, url } = await front(names, options);
      const file = write('ca.crt', ca);
      await using(['--upstream', url, '--upstream-certificate-authority', file], (proxy) =>
        says(proxy, words).then(() => undefined),
      );
    });

  test('says that an authority is not trusted; once the file holds it, calls succeed', async () => {
    const { ca, url } = await front(['localhost']);
    const file = write('ca.crt', (await other.issue(['a']))['ca.crt']);
    await using(['--upstream', url, '--upstream-certificate-authority', file], async (proxy) => {
      await says(
        proxy,
        /authority that is not trusted here.*\nGive its CA: --upstream-certificate-authority FILE/,
      );
      write('ca.crt', ca);
      await says(proxy, /Read file .*ca\.crt: authorities: 1\n(.*\n)*.* answers: \d+ tools/);
    });
  });

  test('takes any certificate where that is said, and warns', async () => {
    const { url } = await front(['tools.example.com']);
    await using(['--upstream', url, '--upstream-insecure-skip-tls-verify'], async (proxy) => {
      await says(proxy, /Warning: the certificate of the server at localhost is not verified/);
      const client = await connectV2(proxy.url);
      assert.match(await client.callTool('echo', { message: 'hello' }), /hello/);
      await client.close();
    });
  });

  for (const [title, args, words] of [
    [
      'a CA for what is not https',
      ['--upstream', 'http://127.0.0.1:1', '--upstream-certificate-authority', 'FILE'],
      /--upstream-certificate-authority has no effect: the upstream is not https/,
    ],
    [
      'no verification of what is not https',
      ['--upstream', 'http://127.0.0.1:1', '--upstream-insecure-skip-tls-verify'],
      /--upstream-insecure-skip-tls-verify has no effect: the upstream is not https/,
    ],
    [
      'a CA that nobody looks at',
      [
        '--upstream',
        'https://127.0.0.1:1',
        '--upstream-certificate-authority',
        'FILE',
        '--upstream-insecure-skip-tls-verify',
      ],
      /may not be used together/,
    ],
    [
      'a file without a certificate',
      ['--upstream', 'https://127.0.0.1:1', '--upstream-certificate-authority', 'EMPTY'],
      /--upstream-certificate-authority .*empty\.crt: holds no certificate in PEM/,
    ],
  ] as const)
    test(`refuses ${title}`, async () => {
      const files: Record<string, string> = {
        FILE: write('ca.crt', (await authority.issue(['a']))['ca.crt']),
        EMPTY: write('empty.crt', '\n'),
      };
      const given = args.map((each) => files[each] ?? each);
      const { code, stderr } = await run(['proxy', '--listen', '127.0.0.1:0', ...given]);
      assert.equal(code, 1);
      assert.match(stderr, words);
    });
});
