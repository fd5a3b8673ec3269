import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Ingress, V1Service } from '@kubernetes/client-node';
import type { Workload } from '../../../plugin/enable/workload.ts';
import { refusedHosts } from '../../../plugin/sources/ingress-hosts.ts';
import { parseAnnotations } from '../../../webhook/parse-annotations.ts';

function refused(namespace: string, hosts: readonly string[], more: Record<string, string> = {}): string[] {
  const parsed = parseAnnotations({ 'kubectl-mcp.dev/inject': 'true', ...more });
  if ('refusals' in parsed) throw new Error('not allowed');
  const services: V1Service[] = [{ metadata: { name: 'svc', namespace } }];
  const backend = { service: { name: 'svc', port: { number: 80 } } };
  const ingress: V1Ingress = {
    metadata: { name: 'way-in', namespace },
    spec: {
      rules: hosts.map((host) => ({ host, http: { paths: [{ pathType: 'Prefix', path: '/', backend }] } })),
    },
  };
  const workload = { metadata: { name: 'tools', namespace } } as Workload;
  return refusedHosts([ingress], services, workload, parsed.servers).map(({ host }) => host);
}

const HOSTS = ['tools.example.com', 'svc.a-b.svc', 'svc.a-b', 'localhost'];

test('hosts of Ingresses are judged as the proxy judges them', () => {
  assert.deepEqual(refused('a-b', HOSTS), ['tools.example.com']);
  const key = 'kubectl-mcp.dev/allowed-hosts';
  assert.deepEqual(refused('a-b', HOSTS, { [key]: '*.example.com' }), []);
  assert.deepEqual(refused('a-b', HOSTS, { [key]: '*' }), []);
  assert.deepEqual(
    refused('a-b', HOSTS, { 'kubectl-mcp.dev/public-url': 'https://tools.example.com/mcp' }),
    [],
  );
});

test('in a namespace called like a top-level domain the workload alone has a name of two labels', () => {
  assert.deepEqual(refused('dev', ['svc.dev', 'tools.dev', 'svc.dev.svc']), ['svc.dev']);
});
