/** Against Debian's docker-registry; what it does not do, a server of a few lines does. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import type { V1Deployment } from '@kubernetes/client-node';
import { ANNOTATIONS } from '../../../webhook/annotations.ts';
import { PREFIX } from '../../../webhook/names.ts';
import { freePorts } from '../../conformance/ports.ts';
import { run } from '../run.ts';
import { type Registry, startRegistry, USER } from './real-registry.ts';

const home = mkdtempSync(join(tmpdir(), 'home-'));
after(() => rmSync(home, { recursive: true }));
const auth = Buffer.from(`${USER.username}:${USER.password}`).toString('base64');
/** A `~/.docker/config.json` of its own. */
function dockerConfig(name: string, content: object | string): Record<string, string> {
  const directory = join(home, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'config.json'),
    typeof content === 'string' ? content : JSON.stringify(content),
  );
  return { DOCKER_CONFIG: directory };
}

/** What `create server` writes for an image, or says. */
async function created(image: string, { env = {}, flags = ['--plain-http'] }: Options = {}) {
  const args = ['create', 'server', 'x', `--image=${image}`, '--transport=stdio', ...flags, '-o', 'yaml'];
  const { code, stdout, stderr } = await run(args, { env: { HOME: join(home, 'empty'), ...env } });
  if (code !== 0) return { stderr, stdout };
  const deployment = parseAllDocuments(stdout)[0]!.toJS() as V1Deployment;
  const annotations = deployment.spec?.template.metadata?.annotations ?? {};
  return {
    command: ANNOTATIONS.command.grammar.parse(annotations[`${PREFIX}command`]),
    image: annotations[`${PREFIX}command-image`],
  };
}
type Options = { env?: Record<string, string>; flags?: string[] };

describe('a registry that anyone may read', () => {
  let registry: Registry;
  before(async () => {
    registry = await startRegistry({ isPrivate: false });
  });
  after(() => registry.stop());

  for (const [title, start, command] of [
    [
      'ENTRYPOINT and CMD',
      { Entrypoint: ['/usr/bin/node'], Cmd: ['x.js', '--y'] },
      ['/usr/bin/node', 'x.js', '--y'],
    ],
    ['ENTRYPOINT alone', { Entrypoint: ['/server', ''], Cmd: null }, ['/server', '']],
    ['CMD alone', { Cmd: ['node', 'é "quoted" $HOME'] }, ['node', 'é "quoted" $HOME']],
    [
      'the form of a shell, with what Kubernetes would expand',
      { Entrypoint: ['/bin/sh', '-c', 'exec node $(cat args) $$'] },
      ['/bin/sh', '-c', 'exec node $$(cat args) $$$$'],
    ],
  ] as const) {
    test(`${title} of an image become the command, with its digest`, async () => {
      const digest = await registry.push('team/form', 'v1', start);
      const image = `${registry.host}/team/form:v1`;
      assert.deepEqual(await created(image), { command, image: `${image}@${digest}` });
    });
  }

  test('an image by its digest stays the same', async () => {
    const digest = await registry.push('by-digest', 'v1', { Cmd: ['/server'] });
    const image = `${registry.host}/by-digest@${digest}`;
    assert.deepEqual(await created(image), { command: ['/server'], image });
  });

  test('of several platforms that start the same the digest is that of the index', async () => {
    const start = { Entrypoint: ['/server'] };
    const starts = { 'linux/amd64': start, 'linux/arm64': start, 'windows/amd64': { Cmd: ['server.exe'] } };
    const digest = await registry.pushIndex('index', 'v1', starts);
    const image = `${registry.host}/index:v1`;
    assert.deepEqual(await created(image), { command: ['/server'], image: `${image}@${digest}` });
  });

  test('platforms that start something else are told', async () => {
    const starts = { 'linux/amd64': { Cmd: ['/a'] }, 'linux/arm64': { Cmd: ['/b'] } };
    await registry.pushIndex('differing', 'v1', starts);
    const { stderr } = await created(`${registry.host}/differing:v1`);
    assert.match(
      stderr ?? '',
      /it starts something else on each platform:\n {2}linux\/amd64: .*\/a.*\n {2}linux\/arm64: .*\/b/,
    );
  });

  for (const [title, repository, message] of [
    [
      'an image that starts nothing',
      'nothing:v1',
      /it has neither an ENTRYPOINT nor a CMD\nGive what it starts behind --/,
    ],
    ['an image for Windows alone', 'windows:v1', /it has nothing for Linux/],
    [
      'a tag that is not there',
      'nothing:v2',
      /there is no v2 in nothing\nLook at the name: 127\.0\.0\.1:\d+\/nothing:v2/,
    ],
    ['a repository that is not there', 'nobody/here', /there is no (latest in|repository) nobody\/here/],
    ['what is no name of an image', 'No Image', /"127\.0\.0\.1:\d+\/No Image" is no name of an image/],
  ] as const) {
    test(`${title} is an error that says so, and writes nothing`, async () => {
      await registry.push('nothing', 'v1', {});
      await registry.pushIndex('windows', 'v1', { 'windows/amd64': { Cmd: ['x'] } });
      const { stderr = '', stdout } = await created(`${registry.host}/${repository}`);
      assert.match(stderr, message);
      assert.equal(stdout, '');
    });
  }

  test('a registry of plain HTTP is told from one that is away', async () => {
    const { stderr: plain = '' } = await created(`${registry.host}/nothing:v1`, { flags: [] });
    assert.match(
      plain,
      /registry 127\.0\.0\.1:\d+ cannot be reached: .*\nIt seems to speak plain HTTP: give --plain-http/,
    );
    const [port] = await freePorts(1);
    const { stderr: away = '' } = await created(`127.0.0.1:${port}/nothing:v1`);
    assert.match(
      away,
      /cannot be reached: connect ECONNREFUSED .*\nRun this where the registry can be reached/,
    );
  });

  test('faults of the flags are told before the registry is asked, and a command is not looked up', async () => {
    const { stderr: faulty = '' } = await created('127.0.0.1:1/x', { flags: ['--auth=none'] });
    assert.match(faulty, /stdio-modern is missing with/);
    const { stderr: port = '' } = await created('127.0.0.1:1/x', { flags: ['--port=80'] });
    assert.match(port, /--port has no effect with --transport=stdio/);
    const args = 'create server x --image=127.0.0.1:1/x --transport=stdio -o yaml -- node x.js'.split(' ');
    const { stdout } = await run(args);
    const { spec } = parse(stdout.split('---\n')[0]!) as V1Deployment;
    assert.deepEqual(spec?.template.spec?.containers[0]?.command, ['node', 'x.js']);
    assert.equal(spec?.template.spec?.containers[0]?.ports, undefined);
  });
});

describe('a private registry', () => {
  let registry: Registry;
  let image: string;
  const read = async (env: Record<string, string>) => created(image, { env });
  before(async () => {
    registry = await startRegistry({ isPrivate: true });
    image = `${registry.host}/team/private:v1`;
    await registry.push('team/private', 'v1', { Cmd: ['/server'] });
  });
  after(() => registry.stop());

  test('without credentials is an error that says how to get some', async () => {
    const { stderr = '' } = await created(image);
    assert.match(
      stderr,
      /does not give it away without credentials \(HTTP 401\)\nLog in with docker login 127/,
    );
  });

  test('with wrong ones, says where they are from, and not what they are', async () => {
    const wrong = Buffer.from('reader:wrong-password').toString('base64');
    const { stderr = '' } = await read(
      dockerConfig('wrong', { auths: { [registry.host]: { auth: wrong } } }),
    );
    assert.match(stderr, /with the credentials of \S+\/wrong\/config\.json \(HTTP 401\)/);
    assert.doesNotMatch(stderr, new RegExp(`wrong-password|${wrong}`));
  });

  test('is read with what docker login, podman login and helpers have', async () => {
    const bin = join(home, 'bin');
    mkdirSync(bin, { recursive: true });
    const helper = (name: string, script: string): void => {
      writeFileSync(join(bin, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, `docker-credential-${name}`), 0o755);
    };
    helper(
      'ok',
      `read server; [ "$1 $server" = "get ${registry.host}" ] && echo '${JSON.stringify({ Username: USER.username, Secret: USER.password })}'`,
    );
    helper('none', 'echo "credentials not found in native keychain"; exit 1');
    helper('broken', 'echo "cannot unlock the keychain" >&2; exit 2');
    const PATH = `${bin}:${process.env['PATH']}`;
    const podman = join(home, 'podman.json');
    writeFileSync(podman, JSON.stringify({ auths: { [`${registry.host}/team`]: { auth } } }));
    for (const [title, env] of [
      ['auth', dockerConfig('auth', { auths: { [registry.host]: { auth } } })],
      ['a URL', dockerConfig('url', { auths: { [`https://${registry.host}/v1/`]: { ...USER } } })],
      ['a file of podman', { REGISTRY_AUTH_FILE: podman }],
      [
        'a helper of the registry',
        { PATH, ...dockerConfig('h', { credHelpers: { [registry.host]: 'ok' } }) },
      ],
      ['a helper of all', { PATH, ...dockerConfig('s', { credsStore: 'ok' }) }],
      [
        'a file where the helper has none',
        { PATH, ...dockerConfig('n', { credsStore: 'none', auths: { [registry.host]: { auth } } }) },
      ],
    ] as const) {
      assert.deepEqual((await read(env)).command, ['/server'], title);
    }
    const { stderr: broken = '' } = await read({ PATH, ...dockerConfig('b', { credsStore: 'broken' }) });
    assert.match(
      broken,
      /docker-credential-broken, which \S+ names for 127\S+, failed: .*\nRun docker login/,
    );
    const { stderr: away = '' } = await read(dockerConfig('away', { credsStore: 'away-from-here' }));
    assert.match(away, /docker-credential-away-from-here, .* failed: spawn .*ENOENT/);
    const { stderr: torn = '' } = await read(dockerConfig('torn', '{"auths": {"x": {"auth": "c2VjcmV0'));
    assert.match(torn, /holds no credentials of registries as docker login writes them/);
    assert.doesNotMatch(torn, /c2VjcmV0/);
  });
});
