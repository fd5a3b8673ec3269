import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clusterDomainOf, compileHosts, hostName, isLoopbackHost } from '../../../sidecar/edge/host.ts';

const FACTS = { namespace: 'team-a', clusterDomain: 'cluster.local' };
const allowed = (header: string, server: object = {}, facts: object = {}): boolean => {
  const check = compileHosts({ name: 'tools', allowedHosts: [], ...server }, { ...FACTS, ...facts });
  const host = hostName(header);
  return host !== undefined && (check?.(host) ?? true);
};

describe('Host', () => {
  test('may be this machine, an address, or a name that only the cluster answers for', () => {
    for (const host of [
      'localhost',
      'LocalHost:7410',
      'app.localhost',
      '127.0.0.1:7410',
      '10.1.2.3',
      '[::1]:7410',
      '[fd00::1]',
      'tools',
      'tools:80',
      'tools.team-a',
      'other.team-a:80',
      'tools.team-a.svc',
      'tools.team-a.svc.cluster.local',
      'tools.team-a.svc.cluster.local.:80',
      'tools-0.tools.team-a.svc.cluster.local',
      '10-1-2-3.team-a.pod.cluster.local',
    ])
      assert.ok(allowed(host), host);
  });

  test('may be no name that someone else could have registered', () => {
    for (const host of [
      'evil.example',
      'tools.team-a.evil.example',
      'team-a.svc.evil.example',
      'tools.team-b',
      'tools.team-b.svc.cluster.local',
      'tools.team-a.svc.evil.example',
      'localhost.evil.example',
      'evil.example:7410',
      '127.0.0.1.evil.example',
      '127.0.0.1.nip.io',
      'xteam-a.svc',
      'a.b.team-a',
      '1.2.3.4.5',
      '[evil.example]',
      'localhost@evil.example',
      'localhost, evil.example',
      'localhost evil.example',
      'localhost:80:80',
      'localhost:port',
      '[::1',
      '',
      '.',
      '.localhost',
      'a..b',
      `${'a.'.repeat(140)}localhost`,
    ])
      assert.ok(!allowed(host), host);
    assert.equal(hostName(undefined), undefined);
  });

  test('in a namespace called like a top-level domain may be the workload’s own short name alone', () => {
    for (const namespace of ['dev', 'tools', 'xn--p1ai']) {
      assert.ok(allowed(`tools.${namespace}`, {}, { namespace }));
      assert.ok(allowed(`other.${namespace}.svc`, {}, { namespace }));
      assert.ok(!allowed(`other.${namespace}`, {}, { namespace }), namespace);
    }
    for (const namespace of ['default', 'dev1', 'team-a'])
      assert.ok(allowed(`other.${namespace}`, {}, { namespace }), namespace);
  });

  test('may be what the annotations add, and every one with "*"', () => {
    const server = {
      allowedHosts: ['mcp.example.com', '*.apps.example.com'],
      publicUrl: 'https://Public.example.com:8443/mcp',
    };
    for (const host of [
      'mcp.example.com',
      'MCP.example.com:443',
      'a.apps.example.com',
      'public.example.com',
      'tools',
    ])
      assert.ok(allowed(host, server), host);
    for (const host of ['apps.example.com', 'a.b.apps.example.com', 'x.mcp.example.com', 'example.com'])
      assert.ok(!allowed(host, server), host);
    assert.equal(compileHosts({ name: 'tools', allowedHosts: ['a.b', '*'] }, FACTS), undefined);
  });

  test('of this machine is known', () => {
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.8.8.8', '[::1]'])
      assert.ok(isLoopbackHost(host), host);
    for (const host of ['10.0.0.1', '127.evil.example', 'localhost.example', '[::2]'])
      assert.ok(!isLoopbackHost(host), host);
  });
});

test('the domain of the cluster is read from the search list', () => {
  for (const [text, domain] of [
    [
      'search team-a.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.0.0.10\n',
      'cluster.local',
    ],
    [
      'nameserver 10.0.0.10\nsearch ns.svc.k8s.example.com svc.k8s.example.com k8s.example.com corp\n',
      'k8s.example.com',
    ],
    ['search\tns.svc.a.b.\tsvc.a.b.\ta.b.', 'a.b'],
    ['search corp.example\n', 'cluster.local'],
    ['', 'cluster.local'],
  ] as const)
    assert.equal(clusterDomainOf(text), domain);
});
