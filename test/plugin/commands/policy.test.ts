import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { suggestPolicy } from '../../../plugin/policy/suggest.ts';
import { readPolicy } from '../../../sidecar/filter/read-policy.ts';
import { run } from '../run.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-policy-'));
after(() => rmSync(directory, { recursive: true }));
const file = (name: string, content: string): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};

const POLICY = `version: 1
tools: {mode: non-destructive}
resources: {deny: ["file:///etc/*"]}
rules:
  - {name: staging, tools: ["get_*"], allow: 'args.namespace == "staging"', message: only staging}
  - {name: admins, tools: [echo], allow: '"admins" in principal.groups'}
`;
const policy = file('policy.yaml', POLICY);
const manifest = file(
  'configmap.yaml',
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata:\n  policy.yaml: |\n${POLICY.replaceAll(/^/gm, '    ')}`,
);
const tools = file(
  'tools.json',
  JSON.stringify({
    tools: [
      { name: 'get_pods', annotations: { readOnlyHint: true } },
      { name: 'echo', annotations: { readOnlyHint: true } },
      { name: 'delete_pod', annotations: { destructiveHint: true } },
      { name: 'create_pod' },
    ],
  }),
);
const policyTest = (...args: string[]) =>
  run(['policy', 'test', '-f', policy, '--tools-file', tools, ...args]);

describe('policy test', () => {
  test('shows each tool, whether it is allowed, and the rule', async () => {
    const { code, stdout } = await policyTest('--as', 'agents/planner');
    assert.equal(code, 0);
    assert.equal(
      stdout,
      `TOOL         ALLOWED        RULE
get_pods     by arguments   policy/rules.staging
echo         no             policy/rules.admins
delete_pod   no             policy/tools.mode
create_pod   no             policy/tools.mode
`,
    );
  });

  test('decides for members of groups, and prints what scripts read', async () => {
    assert.equal((await policyTest('--group', 'admins', '-o', 'name')).stdout, 'get_pods\necho\n');
    assert.equal((await policyTest('--as-group', 'admins', '-o', 'name')).stdout, 'get_pods\necho\n');
    const { stdout } = await policyTest('--as', 'token:ci', '-o', 'json');
    const { caller, tools: rows } = JSON.parse(stdout);
    assert.equal(caller, 'token:ci');
    assert.deepEqual(rows[0], {
      name: 'get_pods',
      allowed: true,
      byArguments: true,
      rule: 'policy/rules.staging',
      readOnly: true,
      destructive: false,
    });
    assert.match((await policyTest('-o', 'yaml')).stdout, /^caller: anonymous\ntools:\n- allowed: true\n/);
  });

  test('takes the manifest of a ConfigMap, and stdin', async () => {
    const given = await policyTest();
    const wrapped = await run(['policy', 'test', '-f', manifest, '--tools-file', tools]);
    assert.deepEqual(wrapped, given);
    assert.deepEqual(
      await run(['policy', 'test', '-f', '-', '--tools-file', tools], { input: POLICY }),
      given,
    );
  });

  for (const [what, args, error] of [
    ['without tools', ['-f', policy], /must specify --against NAME or --tools-file FILE/],
    ['without a policy', ['--tools-file', tools], /must specify -f FILE, or --against NAME/],
    [
      'with a file that is not there',
      ['-f', '/nonexistent', '--tools-file', tools],
      /-f: cannot read \/nonexistent/,
    ],
    [
      'as nobody that there is',
      ['-f', policy, '--tools-file', tools, '--as', 'system:admin'],
      /expected NAMESPACE\/SERVICEACCOUNT/,
    ],
    ['with tools that are none', ['-f', policy, '--tools-file', policy], /is not JSON/],
    [
      'with a faulty policy',
      [
        '-f',
        file('bad.yaml', "version: 1\nrules: [{name: a, tools: ['*'], deny: tool.x}]"),
        '--tools-file',
        tools,
      ],
      /is no policy:\n {2}rules.0.deny: tool has no field "x"; it has name, readOnly, destructive \(line 2\)/,
    ],
  ] as [string, string[], RegExp][])
    test(`fails ${what}`, async () => {
      const { code, stdout, stderr } = await run(['policy', 'test', ...args]);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, error);
    });
});

describe('policy explain', () => {
  for (const [args, code, stdout, stderr] of [
    [['call', 'get_pods', '--json', '{"namespace":"staging"}'], 0, 'allowed by policy/rules.staging\n', ''],
    [
      ['call', 'get_pods', '--json', '{"namespace":"prod"}'],
      1,
      'denied by policy/rules.staging\n',
      'anonymous sees it, and may not use it with these arguments\nthe caller is told: only staging\n',
    ],
    [
      ['call', 'get_pods'],
      1,
      'denied by policy/rules.staging\n',
      'anonymous sees it, and may not use it with these arguments\nthe rule could not be asked: No such key: namespace\nthe caller is told: only staging\n',
    ],
    [['call', 'create_pod'], 1, 'denied by policy/tools.mode\n', ''],
    [['call', 'none'], 1, 'denied by tool-unknown\n', 'the server has no tool "none"\n'],
    [['read', 'file:///etc/passwd'], 1, 'denied by policy/resources.deny\n', ''],
    [['read', 'file:///docs/../etc/passwd'], 1, 'denied by policy/resources.deny\n', ''],
    [['get', 'greeting'], 0, 'allowed by default\n', ''],
  ] as [string[], number, string, string][])
    test(`${args.join(' ')}: ${stdout.trim()}`, async () => {
      const ran = await run(['policy', 'explain', ...args, '-f', policy, '--tools-file', tools]);
      assert.deepEqual(ran, { code, stdout, stderr });
    });

  test('knows what can be asked', async () => {
    const { code, stderr } = await run(['policy', 'explain', 'list', 'x', '-f', policy]);
    assert.equal(code, 1);
    assert.match(stderr, /unknown verb "list"; it is one of call, read, subscribe, get/);
  });
});

describe('scopes', () => {
  const scoped = file(
    'scoped.yaml',
    `version: 1
tools:
  scopes:
    - {tools: ["*"], scopes: [tools:read]}
    - {tools: [delete_pod], scopes: [tools:write], visible: true}`,
  );
  const args = ['-f', scoped, '--tools-file', tools];
  const reader = ['--as', 'oidc:alice', '--scope', 'tools:read'];

  test('are those of the caller, who may be told which it lacks', async () => {
    const { stdout } = await run(['policy', 'test', ...args, ...reader]);
    assert.equal(
      stdout,
      `TOOL         ALLOWED    RULE
get_pods     yes        default
echo         yes        default
delete_pod   by scope   policy/tools.scopes
create_pod   yes        default
`,
    );
    const both = await run(['policy', 'test', ...args, ...reader, '--scope', 'tools:write', '-o', 'name']);
    assert.equal(both.stdout, 'get_pods\necho\ndelete_pod\ncreate_pod\n');
    const explained = await run(['policy', 'explain', 'call', 'delete_pod', ...args, ...reader]);
    assert.deepEqual(explained, {
      code: 1,
      stdout: 'denied by policy/tools.scopes\n',
      stderr: 'oidc:alice sees it, and is told to come back with the scopes tools:read tools:write\n',
    });
    const { stdout: json } = await run(['policy', 'test', ...args, ...reader, '-o', 'json']);
    assert.deepEqual(JSON.parse(json).tools[2].needsScopes, ['tools:read', 'tools:write']);
  });

  test('are of no other caller', async () => {
    for (const who of ['agents/planner', 'token:ci', 'mtls:ci', 'anonymous', 'oidc:bob'])
      assert.equal((await run(['policy', 'test', ...args, '--as', who, '-o', 'name'])).stdout, '', who);
    const { code, stderr } = await run(['policy', 'test', ...args, '--as', 'token:ci', '--scope', 'x']);
    assert.equal(code, 1);
    assert.match(stderr, /--scope needs --as oidc:NAME/);
  });
});

describe('overrides', () => {
  const overriding = file(
    'overrides.yaml',
    `version: 1
tools:
  deny: [delete_pod]
  overrides:
    - {tool: get_pods, name: pods, arguments: {fixed: {namespace: staging}}}
    - {tool: echo, name: create_pod}
    - {tool: delete_pod, title: Delete}
rules: [{name: staging, tools: [get_pods], allow: 'args.namespace == "staging"'}]`,
  );
  const known = file(
    'schemas.json',
    JSON.stringify({
      tools: [
        { name: 'get_pods', inputSchema: { type: 'object', properties: { namespace: {}, name: {} } } },
        ...['echo', 'delete_pod', 'create_pod'].map((name) => ({ name, inputSchema: { type: 'object' } })),
      ],
    }),
  );
  const args = ['-f', overriding, '--tools-file', known];

  test('stand beside the names that they replace, and hide what has one name twice', async () => {
    const { stdout } = await run(['policy', 'test', ...args]);
    assert.equal(
      stdout,
      `TOOL         SHOWN AS     ALLOWED        RULE
get_pods     pods         by arguments   policy/rules.staging
echo         create_pod   no             policy/tools.overrides
delete_pod   delete_pod   no             policy/tools.deny
create_pod   create_pod   no             policy/tools.overrides
`,
    );
    const { stdout: json } = await run(['policy', 'test', ...args, '-o', 'json']);
    assert.deepEqual(
      JSON.parse(json).tools.map(({ name, shown, error }: Record<string, string>) => [name, shown, error]),
      [
        ['get_pods', 'pods', undefined],
        ['echo', 'create_pod', 'its new name is that of another tool'],
        ['delete_pod', undefined, undefined],
        ['create_pod', undefined, 'its name is the new one of another tool'],
      ],
    );
  });

  const KNOWN_AS = 'callers know "get_pods" as "pods", and no tool of the name "get_pods"\n';
  for (const [given, code, stdout, stderr] of [
    [['pods'], 0, 'allowed by policy/rules.staging\n', KNOWN_AS],
    [['get_pods', '--json', '{"name":"a"}'], 0, 'allowed by policy/rules.staging\n', KNOWN_AS],
    [
      ['pods', '--json', '{"namespace":"staging"}'],
      1,
      'denied by policy/tools.overrides\n',
      `${KNOWN_AS}callers cannot send the argument "namespace"\n`,
    ],
    [
      ['echo'],
      1,
      'denied by policy/tools.overrides\n',
      'callers know "echo" as "create_pod", and no tool of the name "echo"\nits new name is that of another tool\n',
    ],
    [['delete_pod'], 1, 'denied by policy/tools.deny\n', ''],
  ] as [string[], number, string, string][])
    test(`explained: call ${given.join(' ')}`, async () => {
      assert.deepEqual(await run(['policy', 'explain', 'call', ...given, ...args]), { code, stdout, stderr });
    });
});

const record = (type: string, name: string, outcome = 'success', component = 'weather') =>
  JSON.stringify({
    time: '2026-11-20T12:00:00.000Z',
    msg: 'audit_event',
    outcome,
    component,
    target: { type, name, method: 'x' },
  });

describe('policy suggest', () => {
  const log = [
    'not a record',
    record('tool', 'get_pods'),
    `[pod/weather-1/mcp-proxy] ${record('tool', 'create_pod', 'application_error')}`,
    record('tool', 'get_pods'),
    record('tool', 'delete_pod', 'denied'),
    record('resource', 'file:///docs/a'),
    record('endpoint', 'x'),
    record('tool', 'other', 'success', 'other'),
    '{"msg":"policy_loaded"}',
    '',
  ];

  test('prints the smallest policy that lets through what there was', async () => {
    const { code, stdout, stderr } = await run(
      ['policy', 'suggest', '-', '--tools-file', tools, '--component', 'weather'],
      { input: log.join('\n') },
    );
    assert.equal(code, 0);
    assert.equal(
      stdout,
      `version: 1
tools:
  allow:
    - "create_pod" # review: no hints; by its name it writes
    - "get_pods"
resources:
  allow:
    - "file:///docs/a"
prompts:
  allow: []
`,
    );
    assert.equal(stderr, 'from 4 records; 5 other lines\n');
    const suggested = file('suggested.yaml', stdout);
    const allowed = await run(['policy', 'test', '-f', suggested, '--tools-file', tools, '-o', 'name']);
    assert.equal(allowed.stdout, 'get_pods\ncreate_pod\n');
  });

  test('is a policy, whatever the names', () => {
    const { text } = suggestPolicy(
      [record('tool', 'a'), record('prompt', 'a: "b" # *c'), record('resource', 'x://\u{1F600}')],
      undefined,
    );
    assert.ok('policy' in readPolicy(text), text);
  });

  test('says where records are, when there are none', async () => {
    const { code, stderr } = await run(['policy', 'suggest', '-'], { input: 'x\n' });
    assert.equal(code, 1);
    assert.match(stderr, /stdin holds no audit record .*\nGet some: kubectl logs deploy\/NAME -c mcp-proxy/);
  });
});

test('a caller may be the user of an agent', async () => {
  const rules = file(
    'users.yaml',
    `version: 1
rules:
  - name: finance
    tools: [delete_pod]
    allow: '"agents/planner:finance" in principal.groups && "system:serviceaccount:agents:planner" in principal.actors'`,
  );
  const ask = (...who: string[]) =>
    run(['policy', 'explain', 'call', 'delete_pod', '-f', rules, '--tools-file', tools, ...who]);
  const group = ['--group', 'agents/planner:finance'];
  assert.equal((await ask('--as', 'agents/planner:alice', ...group)).code, 0);
  assert.equal((await ask('--as', 'agents/planner:alice')).code, 1);
  assert.equal((await ask('--as', 'agents/planner', ...group)).code, 1);
});
