import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../../plugin/version.ts';
import { run } from './run.ts';

test('version --client needs no cluster', async () => {
  assert.deepEqual(await run(['version', '--client']), {
    code: 0,
    stdout: `Client Version: ${VERSION}\n`,
    stderr: '',
  });
  const json = await run(['version', '--client', '-o', 'json']);
  assert.deepEqual(JSON.parse(json.stdout), { clientVersion: VERSION });
});

test('help goes to stdout and ends well', async () => {
  for (const args of [[], ['-h'], ['--help'], ['help']]) {
    const { code, stdout, stderr } = await run(args);
    assert.equal(code, 0, args.join());
    assert.match(
      stdout,
      /^kubectl mcp makes an existing Deployment .*\n\nAvailable Commands:\n/,
      args.join(),
    );
    assert.equal(stderr, '');
  }
  assert.match(
    (await run(['create', 'server', '--help'])).stdout,
    /\nUsage:\n {2}kubectl mcp create server NAME /,
  );
});

test('options lists the flags of all commands', async () => {
  const { stdout } = await run(['options']);
  assert.match(
    stdout,
    /^The following options can be passed to any command:\n\n {4}--as='':\n {8}Username to imp/,
  );
  assert.match(stdout, /\n {4}-n, --namespace='':\n/);
  assert.match(stdout, /\n {4}--as-group=\[\]:\n/);
});

for (const [args, stderr] of [
  [
    ['token', 'crate'],
    'error: unknown command "crate" for "kubectl mcp token"\n\nDid you mean this?\n\tcreate\n',
  ],
  [['lst'], 'error: unknown command "lst" for "kubectl mcp"\n\nDid you mean this?\n\tlist\n\tls\n'],
  [['list', '--nope'], 'error: unknown flag: --nope\n'],
  [['list', '-o'], 'error: flag needs an argument: --output\n'],
  [['list', '--context'], 'error: flag needs an argument: --context\n'],
  [
    ['call', 'x'],
    "error: required argument TOOL not specified\nSee 'kubectl mcp call -h' for help and examples\n",
  ],
  [
    ['create', 'server', 'x'],
    'error: required flag(s) "image" not set\nSee \'kubectl mcp create server -h\' for help and examples\n',
  ],
  [
    ['install', '--dry-run', 'maybe'],
    'error: Invalid dry-run value (maybe). Must be "none", "server", or "client".\n',
  ],
  [
    ['install', '--timeout=soon'],
    'error: invalid argument "soon" for "--timeout" flag: time: invalid duration "soon"\n',
  ],
  [
    ['list', '-o', 'toml'],
    'error: unable to match a printer suitable for the output format "toml", allowed formats are: json,name,wide,yaml\n',
  ],
  [['call', 'x', 'y', '--arg', 'a=1', '--json', '{}'], 'error: --arg and --json may not be used together\n'],
  [
    ['call', 'x', 'y', '--json', '[1]'],
    'error: --json: the value must be a JSON object, as {"name": "value"}\n',
  ],
  [['call', 'x', 'y', '--json', '{'], 'error: --json: the value is not JSON: '],
  [['call', 'x', 'y', '--json', '@/nonexistent'], 'error: --json: cannot read /nonexistent: '],
  [['inject', '-f', '/nonexistent'], 'error: the path "/nonexistent" does not exist\n'],
] as const) {
  test(`kubectl mcp ${args.join(' ')} is refused with the cause`, async () => {
    const ran = await run(args);
    assert.equal(ran.stderr.slice(0, stderr.length), stderr);
    assert.equal(ran.stdout, '');
    assert.equal(ran.code, 1);
  });
}

test('switches take a value as they do in kubectl', async () => {
  assert.equal((await run(['version', '--client=true'])).stdout, `Client Version: ${VERSION}\n`);
  assert.match((await run(['version', '--client=false'])).stderr, /localhost:8080 was refused/);
  assert.match((await run(['list', '--probe=false', '-o=toml'])).stderr, /output format "toml"/);
  assert.match((await run(['install', '--wait=perhaps'])).stderr, /unknown flag: --wait/);
});
