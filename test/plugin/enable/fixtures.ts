import type { V1Pod, V1Service } from '@kubernetes/client-node';
import type { EnableRequest, Surroundings } from '../../../plugin/enable/plan.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';

export const workload = (change: (draft: Workload) => void = () => {}): Workload => {
  const draft: Workload = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'everything', namespace: 'demo', resourceVersion: '7' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'everything' } },
      template: {
        metadata: { labels: { app: 'everything' } },
        spec: {
          containers: [
            {
              name: 'everything',
              image: 'everything:1',
              ports: [
                { name: 'mcp', containerPort: 3001, protocol: 'TCP' },
                { name: 'metrics', containerPort: 9090, protocol: 'TCP' },
              ],
            },
          ],
        },
      },
    },
  };
  change(draft);
  return draft;
};

export const service = (
  ports: NonNullable<V1Service['spec']>['ports'],
  change: Partial<NonNullable<V1Service['spec']>> = {},
  name = 'everything',
): V1Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'demo', resourceVersion: '3' },
  spec: { selector: { app: 'everything' }, ports, ...change },
});

export const pod = (name: string, labels: Record<string, string>, annotations = {}): V1Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'demo', labels, annotations },
  spec: { containers: [{ name: 'main' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});

export const around = (change: Partial<Surroundings> = {}): Surroundings => ({
  services: [],
  pods: [],
  policies: [],
  secrets: [],
  ...change,
});

export const request = (change: Partial<EnableRequest> = {}): EnableRequest => ({
  annotations: { port: '3001' },
  keepService: false,
  random: (bytes) => new Uint8Array(bytes).fill(7),
  ...change,
});
