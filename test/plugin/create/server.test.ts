import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../webhook/golden.ts';
import { run } from '../run.ts';

const golden = (name: string): URL => new URL(`../golden/${name}`, import.meta.url);

test('create server prints an annotated Deployment and a Service to the sidecar', async () => {
  const { code, stdout, stderr } = await run(
    'create server weather --image=registry.example.com/weather:1 --port=8080 --mode=read-only --deny-tools=get-env -n demo -o yaml'.split(
      ' ',
    ),
  );
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assertGolden(golden('create-server.yaml'), stdout);
});

test('create server takes a command, an environment and a service account', async () => {
  const { stdout } = await run(
    'create server every --image=every:1 --replicas=2 --service-account=reader --env=PORT=3001 --env=A=b=c -o yaml -- node index.js --x'.split(
      ' ',
    ),
  );
  assertGolden(golden('create-server-command.yaml'), stdout);
});

test('create server writes the Role by which its proxy asks, and wants the namespace for it', async () => {
  const line = 'create server x --image=x --authorization=kubernetes -o yaml';
  const { stdout } = await run(`${line} -n demo`.split(' '));
  assert.deepEqual(
    stdout.match(/^kind: .*/gm)?.map((each) => each.slice(6)),
    ['Role', 'RoleBinding', 'Deployment', 'Service', 'NetworkPolicy'],
  );
  assert.match(stdout, /^- kind: ServiceAccount\n {2}name: default\n {2}namespace: demo$/m);
  assert.match((await run(line.split(' '))).stderr, /needs -n NAMESPACE/);
});

test('create server takes what the kinds of auth need', async () => {
  for (const flags of [
    '--auth=mtls --tls-secret=tls --mtls-ca-secret=ca --mtls-allow=spiffe://example.org/*',
    '--auth=mtls --tls-secret=tls --mtls-ca-configmap=ca',
    '--verify=tokenreview --trusted-actors=actors',
    '--auth=oidc --oidc-issuer=https://id.example.com --oidc-allow-groups=staff --oidc-required-scopes=mcp --ca-configmap=ca',
  ]) {
    const { code, stdout, stderr } = await run(`create server x --image=x ${flags} -o yaml`.split(' '));
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    for (const [, key, value] of flags.matchAll(/--(\S+?)=(\S+)/g))
      assert.ok(stdout.includes(`kubectl-mcp.dev/${key}: ${value}`), `${key}: ${stdout}`);
  }
});

test('create server writes no policy for a server on the loopback', async () => {
  const { stdout } = await run(
    'create server x --image=x --lockdown=loopback --loopback-env=HOST=127.0.0.1 -o yaml'.split(' '),
  );
  assert.deepEqual(stdout.match(/^kind: .*/gm), ['kind: Deployment', 'kind: Service']);
});

test('what create server prints, inject takes', async () => {
  const { stdout } = await run('create server weather --image=weather:1 -o yaml'.split(' '));
  const injected = await run(['inject', '-f', '-', '--image=proxy:1'], { input: stdout });
  assert.deepEqual({ code: injected.code, stderr: injected.stderr }, { code: 0, stderr: '' });
  assertGolden(golden('inject.yaml'), injected.stdout);
});

for (const [args, message] of [
  [
    ['--auth=token'],
    /kubectl-mcp\.dev\/auth: "token" needs kubectl-mcp\.dev\/token-secret or .*; name the Secret there/,
  ],
  [['--mode=readonly'], /kubectl-mcp\.dev\/mode: "readonly" is not allowed; set it to "all" or/],
  [
    ['--token-secret=x'],
    /kubectl-mcp\.dev\/token-secret: "x" has no effect without kubectl-mcp\.dev\/auth: "token"/,
  ],
  [['--port=0'], /invalid argument "0" for "--port" flag/],
  [['--env=novalue'], /invalid argument "novalue" for "--env" flag/],
] as const) {
  test(`create server refuses ${args.join(' ')} before anything is written`, async () => {
    const ran = await run(['create', 'server', 'x', '--image=x', '-o', 'yaml', ...args]);
    assert.equal(ran.code, 1);
    assert.equal(ran.stdout, '');
    assert.match(ran.stderr, message);
  });
}

test('inject leaves objects without annotations of ours alone, and names the object that it refuses', async () => {
  const plain = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { template: { spec: {} } },
  };
  const untouched = await run(['inject', '-f', '-'], { input: JSON.stringify(plain) });
  assert.equal(
    untouched.stdout,
    'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec: {}\n',
  );
  const template = {
    metadata: { annotations: { 'kubectl-mcp.dev/injekt': 'true' } },
    spec: { containers: [] },
  };
  const refused = await run(['inject', '-f', '-'], {
    input: JSON.stringify({ ...plain, spec: { template } }),
  });
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^error: deployment\.apps\/web: kubectl-mcp\.dev\/injekt: "true" is not a known annotation; perhaps kubectl-mcp\.dev\/inject is meant/,
  );
});
