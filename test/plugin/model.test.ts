import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { listColumns } from '../../plugin/commands/list.ts';
import type { Workload } from '../../plugin/enable/workload.ts';
import { isMcpServer, type McpServer, toMcpServers, withHealthOf } from '../../plugin/model.ts';
import { formatTable } from '../../plugin/print/table.ts';
import { PREFIX } from '../../webhook/names.ts';
import { assertGolden } from '../webhook/golden.ts';

/** Of a workload that has one. */
const theServer = (...args: Parameters<typeof toMcpServers>): McpServer => {
  const [server, ...more] = toMcpServers(...args);
  assert.ok(server && more.length === 0);
  return server;
};

const labels = { app: 'weather' };
const NOW = Date.parse('2026-11-20T12:00:00Z');

const workload = (annotations: Record<string, string>, kind: Workload['kind'] = 'Deployment'): Workload => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'weather', namespace: 'demo', creationTimestamp: new Date('2026-11-20T11:00:00Z') },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: {
      metadata: {
        labels,
        annotations: Object.fromEntries(
          Object.entries(annotations).map(([key, value]) => [PREFIX + key, value]),
        ),
      },
      spec: { containers: [{ name: 'weather', image: 'weather:1', ports: [{ containerPort: 8080 }] }] },
    },
  },
});

const pod = (name: string, ready: boolean, change: Partial<V1Pod['metadata']> = {}): V1Pod => ({
  metadata: { name, namespace: 'demo', labels, ...change },
  spec: {
    containers: [],
    initContainers: [{ name: 'mcp-proxy', ports: [{ name: 'mcp-proxy', containerPort: 7410 }] }],
  },
  status: {
    phase: 'Running',
    initContainerStatuses: [
      { name: 'mcp-proxy', ready, image: '', imageID: '', restartCount: 0, started: true },
    ],
  },
});

const service = (name: string, targetPort?: number | string, port = 80): V1Service => ({
  metadata: { name, namespace: 'demo' },
  spec: { selector: labels, ports: [{ port, ...(targetPort === undefined ? {} : { targetPort }) }] },
});

test('a workload is an MCP server when its template has a key of ours and is not opted out', () => {
  assert.equal(isMcpServer(workload({ inject: 'true' })), true);
  assert.equal(isMcpServer(workload({ inject: 'false', port: '80' })), false);
  assert.equal(isMcpServer(workload({})), false);
  // The webhook refuses its pods, and a person looks for it here.
  assert.equal(isMcpServer(workload({ port: '80' })), true);
});

test('pods count when their sidecar is ready, they are of this namespace and on no way out', () => {
  const pods = [
    pod('a', true),
    pod('b', false),
    pod('c', true, { deletionTimestamp: new Date() }),
    pod('d', true, { namespace: 'other' }),
    pod('e', true, { labels: { app: 'else' } }),
  ];
  const { readyPods, desiredPods, pod: asked } = theServer(workload({ inject: 'true' }), pods, []);
  assert.deepEqual({ readyPods, desiredPods, asked }, { readyPods: 1, desiredPods: 2, asked: 'a' });
});

for (const [title, services, url] of [
  ['by number', [service('weather', 7410)], 'http://weather.demo.svc:80/mcp'],
  ['by the name of its port', [service('weather', 'mcp-proxy')], 'http://weather.demo.svc:80/mcp'],
  ['by its own number', [service('weather', undefined, 7410)], 'http://weather.demo.svc:7410/mcp'],
  ['not at all when it leads past the sidecar', [service('weather', 8080)], undefined],
  ['through the first that does', [service('b', 7410), service('a', 7410)], 'http://a.demo.svc:80/mcp'],
] as const) {
  test(`a Service reaches the sidecar ${title}`, () =>
    assert.equal(theServer(workload({ inject: 'true' }), [pod('x', true)], services).url, url));
}

test('the name, the audience and the ports come from the annotations', () => {
  const named = theServer(workload({ inject: 'true', name: 'forecast', 'listen-port': '9000' }), [], []);
  assert.equal(named.audience, 'https://forecast.demo.mcp.kubectl-mcp.dev');
  assert.equal(named.listenPort, 9000);
  const given = theServer(workload({ inject: 'true', audience: 'mine' }), [], []);
  assert.equal(given.audience, 'mine');
  const open = theServer(workload({ inject: 'true', auth: 'none' }), [], []);
  assert.deepEqual([open.auth, open.audience], ['none', undefined]);
});

test('of several servers each has its port, audience, way in and tools', () => {
  const annotations = {
    'rain.path': '/rain',
    'wind.path': '/wind',
    'wind.listen-port': '7412',
    'wind.auth': 'none',
  };
  const leading = [service('weather', 7410), service('wind', 7412)];
  const servers = toMcpServers(workload({ inject: 'true', ...annotations }), [pod('a', true)], leading);
  assert.deepEqual(
    servers.map(({ server, serverName, listenPort, audience, auth, url }) => [
      server,
      serverName,
      listenPort,
      audience,
      auth,
      url,
    ]),
    [
      [
        'rain',
        'weather/rain',
        7410,
        'https://weather.demo.mcp.kubectl-mcp.dev/rain',
        'kubernetes',
        'http://weather.demo.svc:80/mcp',
      ],
      ['wind', 'weather/wind', 7412, undefined, 'none', 'http://wind.demo.svc:80/mcp'],
    ],
  );
});

const bypassOf = (annotations: object, pods: V1Pod[], services: V1Service[]) =>
  theServer(workload({ inject: 'true', ...annotations }), pods, services);
const bypassTold = (listening: string | undefined, server: McpServer) =>
  withHealthOf(server, {
    status: 'healthy',
    version: '0.1.0',
    tools: 1,
    servers: [{ name: 'weather', connected: true, ...(listening && { listening }) }],
  }).bypass;

test('a way past the proxy is told where it is known, and not believed closed', () => {
  const [ready, leading] = [pod('a', true), service('weather', 7410)];
  assert.equal(bypassOf({}, [ready], [leading]).bypass, '?');
  assert.equal(bypassOf({}, [ready], [leading, service('old', 8080)]).bypass, 'yes');
  assert.equal(bypassOf({}, [ready], [service('old', undefined, 8080)]).bypass, 'yes');
  assert.equal(bypassOf({ lockdown: 'none' }, [ready], [leading]).bypass, 'yes');
  const stdio = { transport: 'stdio', command: '["x"]' };
  assert.equal(bypassOf(stdio, [ready], [leading]).bypass, 'no', 'it listens nowhere');
  const bare: V1Pod = {
    ...pod('b', true),
    spec: { containers: [] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  assert.equal(bypassOf({}, [ready, bare], [leading]).bypass, 'yes');

  assert.equal(bypassTold('loopback', bypassOf({}, [ready], [leading])), 'no');
  assert.equal(bypassTold('all', bypassOf({}, [ready], [leading])), '?');
  assert.equal(bypassTold(undefined, bypassOf({}, [ready], [leading])), '?');
  assert.equal(bypassTold('loopback', bypassOf({}, [ready, bare], [leading])), 'yes');
});

test('what the webhook refuses is listed, with its words', () => {
  const { auth, refusals } = theServer(workload({ inject: 'true', auth: 'token' }), [], []);
  assert.equal(auth, 'invalid');
  assert.match(refusals[0]!, /kubectl-mcp\.dev\/auth: "token" needs kubectl-mcp\.dev\/token-secret/);
});

test('list prints the columns of its help', () => {
  const served: McpServer = {
    ...theServer(workload({ inject: 'true' }), [pod('a', true), pod('b', true)], [service('weather', 7410)]),
    health: { status: 'healthy', version: '0.1.0', tools: 13, servers: [] },
  };
  const refused = theServer(workload({ inject: 'true', auth: 'token' }, 'StatefulSet'), [], []);
  const several = toMcpServers(
    workload({ inject: 'true', 'rain.path': '/rain', 'wind.path': '/wind', 'wind.listen-port': '7412' }),
    [pod('a', true)],
    [service('wind', 7412)],
  );
  const rows = [served, refused, ...several];
  const [own, all] = [listColumns(NOW, { withNamespace: false }), listColumns(NOW, { withNamespace: true })];
  assertGolden(
    new URL('golden/list.txt', import.meta.url),
    `${formatTable(own, rows)}\n${formatTable(all, rows, { wide: true })}`,
  );
});

test('the transport is what the sidecar has found, and until then what is written', () => {
  const auto = bypassOf({}, [], []);
  const told = { status: 'healthy', version: '0.1.0', tools: 1 };
  const [unknown, found] = [
    { name: 'weather', connected: false },
    { name: 'weather', connected: true },
  ];
  assert.equal(auto.transport, 'auto');
  assert.equal(withHealthOf(auto, { ...told, servers: [unknown] }).transport, 'auto');
  assert.equal(withHealthOf(auto, { ...told, servers: [{ ...found, transport: 'sse' }] }).transport, 'sse');
  assert.equal(bypassOf({ transport: 'sse' }, [], []).transport, 'sse');
});
