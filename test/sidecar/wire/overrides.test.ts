/** Overrides of tools on the wire: what callers see, what the server is sent, in both eras and between them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { freePorts } from '../../conformance/ports.ts';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { postModern } from './modern-meta.ts';
import { call, initialize, post } from './post.ts';
import { stops } from './proxied.ts';
import { sendResult, startStream } from './scripted-server.ts';
import { startSidecar, untilAudit } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';
import { ask, sessionOf, startWith } from './with-policy.ts';
import type { World } from './world.ts';

const GET = {
  name: 'kubectl_get',
  title: 'Get',
  description: 'Gets anything',
  inputSchema: {
    type: 'object',
    properties: {
      resourceType: { type: 'string' },
      namespace: { $ref: '#/$defs/Namespace' },
      context: { type: 'string', default: '' },
    },
    required: ['resourceType', 'namespace'],
    $defs: { Namespace: { type: 'string', description: 'of Kubernetes' } },
  },
  annotations: { readOnlyHint: true, title: 'Get' },
};
const WORLD: World = {
  tools: [GET, { name: 'ping', inputSchema: { type: 'object' } }],
  resources: [],
  templates: [],
  prompts: [],
};
const POLICY = `version: 1
tools:
  overrides:
    - tool: kubectl_get
      name: get_staging
      description: Gets things of staging
      annotations: {title: Staging, openWorldHint: false}
      arguments:
        fixed: {namespace: staging}
        hidden: [context]
`;
const PAIRS = [
  ['legacy', 'legacy'],
  ['modern', 'modern'],
  ['modern', 'legacy'],
  ['legacy', 'modern'],
] as const;

for (const [client, server] of PAIRS)
  describe(`overrides of tools (${client} clients, ${server} server)`, () => {
    const started = async (policy = POLICY, world = WORLD) => {
      const made = await startWith(policy, world, { era: server });
      const session = await sessionOf(made.sidecar, client, server);
      return {
        ...made,
        asked: (method: string, params: Record<string, unknown>) =>
          ask(made.sidecar, client, method, params, session),
        called: () => made.server.requests.filter(({ message }) => message?.method === 'tools/call').at(-1),
      };
    };

    test('show the tool as the policy has it, and every other as it is', async () => {
      const { asked } = await started();
      const { result } = await asked('tools/list', {});
      assert.deepEqual(result?.['tools'], [
        {
          name: 'get_staging',
          title: 'Get',
          description: 'Gets things of staging',
          inputSchema: {
            type: 'object',
            properties: { resourceType: { type: 'string' } },
            required: ['resourceType'],
            additionalProperties: false,
          },
          annotations: { readOnlyHint: true, title: 'Staging', openWorldHint: false },
        },
        WORLD.tools[1],
      ]);
    });

    test('send the server its own name and the fixed arguments', async () => {
      const { asked, called, sidecar } = await started();
      const { result } = await asked('tools/call', {
        name: 'get_staging',
        arguments: { resourceType: 'pods' },
      });
      assert.ok(result);
      const sent = called();
      assert.equal(sent?.message?.params?.['name'], 'kubectl_get');
      assert.deepEqual(sent?.message?.params?.['arguments'], { namespace: 'staging', resourceType: 'pods' });
      if (server === 'modern') assert.equal(sent?.headers['mcp-name'], 'kubectl_get');
      const record = await untilAudit(sidecar, ({ target }) => target.name === 'kubectl_get');
      assert.equal(record.metadata.extra.called, 'get_staging');
    });

    test('let nobody call the old name, nor send what is fixed, hidden or not there', async () => {
      const { asked, called, sidecar } = await started();
      const { error } = await asked('tools/call', { name: 'kubectl_get', arguments: {} });
      assert.deepEqual(error, { code: -32602, message: 'Unknown tool: kubectl_get' });
      const record = await untilAudit(sidecar, ({ target }) => target.name === 'kubectl_get');
      assert.equal(record.metadata.extra.rule, 'policy/tools.overrides');
      for (const name of ['namespace', 'context', 'Namespace', 'absent']) {
        const answer = await asked('tools/call', {
          name: 'get_staging',
          arguments: { resourceType: 'pods', [name]: 'kube-system' },
        });
        assert.deepEqual(answer.error, { code: -32602, message: `Unknown argument: ${name}` });
      }
      assert.equal(called(), undefined);
    });

    test('hide both tools where a new name is one that the server has', async () => {
      const { asked, sidecar } = await started(
        'version: 1\ntools: {overrides: [{tool: kubectl_get, name: ping}]}',
      );
      assert.deepEqual((await asked('tools/list', {})).result?.['tools'], []);
      for (const name of ['ping', 'kubectl_get'])
        assert.deepEqual((await asked('tools/call', { name, arguments: {} })).error, {
          code: -32602,
          message: `Unknown tool: ${name}`,
        });
      const { servers } = await sidecar.health();
      assert.match(servers[0].problems[0], /the server has a tool "ping", too; callers see neither/);
      await waitFor('the event', () => sidecar.events.find(({ event }) => event === 'overrides_at_fault'));
    });
  });

describe('a call of an overridden tool', () => {
  test('keeps every other byte', async () => {
    const { server, sidecar } = await startWith(POLICY, WORLD);
    await post(
      sidecar.url,
      '{ "jsonrpc":"2.0", "id":12345678901234567890, "method":"tools/call","params":{"name":"get_st\\u0061ging" , "arguments":{ "resourceType":1e2} } }',
    );
    assert.equal(
      server.fromClients().at(-1)?.body,
      '{ "jsonrpc":"2.0", "id":12345678901234567890, "method":"tools/call","params":{"name":"kubectl_get" , "arguments":{"namespace":"staging", "resourceType":1e2} } }',
    );
    for (const [given, sent] of [
      ['{"name":"get_staging"}', '{"name":"kubectl_get","arguments":{"namespace":"staging"}}'],
      [
        '{"arguments":{ },"name":"get_staging"}',
        '{"arguments":{"namespace":"staging" },"name":"kubectl_get"}',
      ],
      [
        '{"name":"get_staging","arguments":null}',
        '{"name":"kubectl_get","arguments":{"namespace":"staging"}}',
      ],
    ]) {
      await post(sidecar.url, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${given}}`);
      assert.equal(
        server.fromClients().at(-1)?.body,
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${sent}}`,
      );
    }
    const { body } = await post(
      sidecar.url,
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_staging","arguments":[1]}}',
    );
    assert.match(body, /is not an object/);
  });

  test('has headers that repeat what the server is sent', async () => {
    const mirrored = {
      name: 'run',
      inputSchema: {
        type: 'object',
        properties: {
          region: { type: 'string', 'x-mcp-header': 'Region' },
          zone: { type: 'string', 'x-mcp-header': 'Zone' },
          size: { type: 'integer', 'x-mcp-header': 'Size' },
        },
      },
    };
    const { server, sidecar } = await startWith(
      'version: 1\ntools: {overrides: [{tool: run, name: go, arguments: {fixed: {region: "é"}, hidden: [zone]}}]}',
      { ...WORLD, tools: [mirrored] },
      { era: 'modern' },
    );
    await postModern(
      sidecar.url,
      'tools/call',
      { name: 'go', arguments: { size: 3 } },
      { headers: { 'mcp-param-size': '3', 'mcp-param-zone': 'x', 'mcp-param-other': 'y' } },
    );
    const { headers } = server.fromClients().at(-1)!;
    assert.equal(headers['mcp-name'], 'run');
    assert.deepEqual(
      Object.entries(headers).filter(([name]) => name.startsWith('mcp-param-')),
      [
        ['mcp-param-size', '3'],
        ['mcp-param-region', '=?base64?w6k=?='],
      ],
    );
  });

  test('is decided by its own name and by what the server is sent', async () => {
    const { sidecar, server } = await startWith(
      `${POLICY}  allow: [kubectl_get]
rules: [{name: staging, tools: [kubectl_get], allow: 'args.namespace == "staging"'}]`,
      WORLD,
    );
    assert.match((await post(sidecar.url, call('get_staging', 1, { resourceType: 'pods' }))).body, /done/);
    // What is refused tells nothing of the rule: the argument is none, whatever it says.
    for (const namespace of ['staging', 'prod'])
      assert.match(
        (await post(sidecar.url, call('get_staging', 1, { resourceType: 'pods', namespace }))).body,
        /Unknown argument: namespace/,
      );
    assert.equal(server.fromClients().filter(({ message }) => message?.method === 'tools/call').length, 1);
  });

  test('that may not be made is unknown by the name that was called', async () => {
    const { sidecar } = await startWith(`${POLICY}  deny: [kubectl_get]`, WORLD);
    for (const args of [{}, { namespace: 'x' }, [1]])
      assert.equal(
        JSON.parse((await post(sidecar.url, call('get_staging', 1, args))).body).error.message,
        'Unknown tool: get_staging',
      );
  });

  test('follows the policy while the sidecar runs', async () => {
    const { sidecar, directory } = await startWith(POLICY, WORLD);
    writeAsKubelet(directory, {
      'policy.yaml': 'version: 1\ntools: {overrides: [{tool: kubectl_get, name: fetch}]}',
    });
    await waitFor('the new name', async () =>
      (await post(sidecar.url, call('fetch'))).body.includes('"done"'),
    );
    assert.match((await post(sidecar.url, call('get_staging'))).body, /Unknown tool: get_staging|not here/);
    writeAsKubelet(directory, { 'policy.yaml': 'version: 1' });
    await waitFor('the old name', async () =>
      (await post(sidecar.url, call('kubectl_get'))).body.includes('"done"'),
    );
  });

  test('whose arguments cannot be taken away for sure is none, and the owner is told why', async () => {
    for (const [inputSchema, why] of [
      [{ ...GET.inputSchema, allOf: [{ required: ['namespace'] }] }, /has "allOf"/],
      [{ ...GET.inputSchema, additionalProperties: { type: 'string' } }, /arguments of any name/],
      [
        { type: 'object', properties: { namespace: {}, other: { $ref: '#/properties/namespace' } } },
        /refers to "#\/properties\/namespace"/,
      ],
      [{ type: 'object', properties: { namespce: {} } }, /has no argument "namespace"/],
      [{ type: 'object', properties: { namespace: {}, name_space: {} } }, /may be read as one/],
    ] as const) {
      const { sidecar } = await startWith(POLICY.replace('        hidden: [context]\n', ''), {
        ...WORLD,
        tools: [{ name: 'kubectl_get', inputSchema }],
      });
      await waitFor('the tools', async () => (await sidecar.health()).servers[0].tools.length === 1);
      const { servers } = await sidecar.health();
      assert.match(servers[0].problems.join(), why);
      assert.deepEqual(servers[0].tools[0].allowed, false);
      assert.deepEqual((await ask(sidecar, 'legacy', 'tools/list', {})).result?.['tools'], []);
      assert.match((await post(sidecar.url, call('get_staging'))).body, /Unknown tool: get_staging/);
    }
  });
});

describe('overrides of tools', () => {
  test('may give two tools each other’s names', async () => {
    const { server, sidecar } = await startWith(
      'version: 1\ntools: {overrides: [{tool: kubectl_get, name: ping}, {tool: ping, name: kubectl_get}]}',
      WORLD,
    );
    const { result } = await ask(sidecar, 'legacy', 'tools/list', {});
    assert.deepEqual(
      (result!['tools'] as { name: string; title?: string }[]).map((each) => [each.name, each.title]),
      [
        ['ping', 'Get'],
        ['kubectl_get', undefined],
      ],
    );
    await post(sidecar.url, call('ping'));
    assert.equal(server.fromClients().at(-1)?.message?.params?.['name'], 'kubectl_get');
  });

  test('take a name from a tool that the server has for one session alone', async () => {
    const { server, sidecar } = await startWith(
      'version: 1\ntools: {overrides: [{tool: kubectl_get, name: late}]}',
      WORLD,
    );
    server.answers.set('tools/list', (request, response) =>
      sendResult(request, response, { tools: [...WORLD.tools, { ...GET, name: 'late' }] }),
    );
    const { result } = await ask(sidecar, 'legacy', 'tools/list', {});
    assert.deepEqual(
      (result!['tools'] as { name: string; title?: string }[]).map((each) => each.name),
      ['late', 'ping'],
    );
    await post(sidecar.url, call('late'));
    assert.equal(server.fromClients().at(-1)?.message?.params?.['name'], 'kubectl_get');
  });

  test('are of tools, too, that the server has for one session alone', async () => {
    const { server, sidecar } = await startWith(POLICY, { ...WORLD, tools: [WORLD.tools[1]!] });
    // The proxy's own list has been read; the next one, in the caller's name, has more.
    server.answersToSidecar.set('tools/list', (request, response) =>
      sendResult(request, response, { tools: WORLD.tools }),
    );
    const session = { 'mcp-session-id': await initialize(sidecar.url) };
    await post(sidecar.url, call('get_staging', 1, { resourceType: 'pods' }), session);
    const sent = server.fromClients().at(-1)?.message?.params;
    assert.deepEqual(sent, {
      name: 'kubectl_get',
      arguments: { namespace: 'staging', resourceType: 'pods' },
    });
    assert.match(
      (await post(sidecar.url, call('get_staging', 1, { namespace: 'x' }), session)).body,
      /Unknown argument: namespace/,
    );
  });

  test('tell nothing while the server is away', async () => {
    const [port] = (await freePorts(1)) as [number];
    const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-policy-'));
    stops.push(() => rmSync(directory, { recursive: true }));
    writeAsKubelet(directory, { 'policy.yaml': POLICY });
    const lost = await startSidecar({
      upstreamPort: port,
      policy: { source: 'configmap/mcp-policy', directory },
    });
    stops.push(lost.stop);
    const answers = await Promise.all(
      ['get_staging', 'kubectl_get', 'absent'].map(async (name) => {
        const { status, body } = await post(lost.url, call(name));
        return [status, body];
      }),
    );
    assert.deepEqual(answers[0]?.[0], 503);
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(answers[2], answers[0]);
  });

  test('are in lists on any stream', async () => {
    const { server, sidecar } = await startWith(POLICY, WORLD);
    server.answers.set('GET', (_, response) => {
      startStream(response)({ jsonrpc: '2.0', id: 9, result: { tools: WORLD.tools } });
      response.end();
    });
    const session = await initialize(sidecar.url);
    const response = await fetch(sidecar.url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session },
    });
    const body = await response.text();
    assert.match(body, /get_staging/);
    assert.doesNotMatch(body, /kubectl_get|context|Namespace/);
  });

  test('are in calls of a batch', async () => {
    const { server, sidecar } = await startWith(POLICY, WORLD);
    const { body } = await post(
      sidecar.url,
      [
        call('get_staging', 1, { resourceType: 'pods' }),
        call('kubectl_get', 2),
        call('get_staging', 3, { context: '' }),
      ],
      { 'mcp-protocol-version': '2025-03-26' },
    );
    const answers = new Map(
      (JSON.parse(body) as { id: number; error?: { message: string } }[]).map((each) => [
        each.id,
        each.error?.message,
      ]),
    );
    assert.deepEqual(
      [...answers],
      [
        [1, undefined],
        [2, 'Unknown tool: kubectl_get'],
        [3, 'Unknown argument: context'],
      ],
    );
    assert.deepEqual(
      server.fromClients().map(({ message }) => message?.params?.['name']),
      ['kubectl_get'],
    );
  });

  test('leave tasks with the tool that made them', async () => {
    const { server, sidecar } = await startWith(POLICY, WORLD);
    server.answers.set('tools/call', (request, response) =>
      sendResult(request, response, { task: { taskId: 't1', status: 'working' } }),
    );
    server.answers.set('tasks/get', (request, response) =>
      sendResult(request, response, { taskId: 't1', status: 'working' }),
    );
    await ask(sidecar, 'legacy', 'tools/call', {
      name: 'get_staging',
      arguments: { resourceType: 'pods' },
      task: { ttl: 1_000 },
    });
    assert.ok((await ask(sidecar, 'legacy', 'tasks/get', { taskId: 't1' })).result);
    const record = await untilAudit(sidecar, ({ type }) => type === 'mcp_task_get');
    assert.equal(record.metadata.extra.tool, 'kubectl_get');
  });
});

/** Two servers that differ in nothing but what overrides keep from callers. */
const sideOf = (side: 'a' | 'b') => ({
  policy: `version: 1
tools:
  overrides:
    - {tool: real-${side}, name: shown, description: d, arguments: {fixed: {fixed-${side}: ${side}}, hidden: [hidden-${side}]}}`,
  world: {
    ...WORLD,
    tools: [
      {
        name: `real-${side}`,
        description: side,
        inputSchema: {
          type: 'object',
          properties: Object.fromEntries(
            ['open', `fixed-${side}`, `hidden-${side}`].map((key) => [key, { $ref: `#/$defs/${key}` }]),
          ),
          required: [`fixed-${side}`],
          $defs: Object.fromEntries(
            ['open', `fixed-${side}`, `hidden-${side}`].map((key) => [key, { title: key }]),
          ),
        },
      },
      WORLD.tools[1]!,
    ],
  },
});
const anyCall = fc.record({
  name: fc.constantFrom('shown', 'real-a', 'real-b', 'ping', 'absent', ''),
  arguments: fc.dictionary(
    fc.constantFrom('open', 'fixed-a', 'fixed-b', 'Fixed-A', 'hidden-a', 'hidden-b', 'absent'),
    fc.constantFrom('a', 'b', null),
  ),
});
const anyRequest = fc.oneof(
  fc.constant(['tools/list', {}] as const),
  anyCall.map((params) => ['tools/call', params] as const),
);

describe('what overrides keep from callers', () => {
  for (const [client, server] of PAIRS)
    test(`is told by no sequence of requests (${client} clients, ${server} server)`, async () => {
      const sides = await Promise.all(
        (['a', 'b'] as const).map(async (side) => {
          const { policy, world } = sideOf(side);
          const { sidecar } = await startWith(policy, world, { era: server });
          return { sidecar, session: await sessionOf(sidecar, client, server) };
        }),
      );
      const open = { name: 'shown', arguments: { open: 'a' } };
      const first = sides[0]!;
      assert.ok((await ask(first.sidecar, client, 'tools/call', open, first.session)).result);
      await fc.assert(
        fc.asyncProperty(fc.array(anyRequest, { minLength: 1, maxLength: 8 }), async (requests) => {
          for (const [method, params] of requests) {
            const [one, other] = await Promise.all(
              sides.map(({ sidecar, session }) => ask(sidecar, client, method, params, session)),
            );
            assert.deepEqual(one, other, JSON.stringify(params));
          }
        }),
        { numRuns: 15 },
      );
    });
});
