/** One healthy namespace as a snapshot, and ways to break it. */
import type {
  V1Deployment,
  V1EndpointSlice,
  V1LimitRange,
  V1Pod,
  V1ResourceQuota,
  V1Service,
} from '@kubernetes/client-node';
import type { Snapshot, Values } from '../../../plugin/doctor/snapshot.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';
import { podOf } from '../../../plugin/enable/faults.ts';
import { injected } from '../../webhook/golden-pods.ts';
import { issueCertificates } from './certificates.ts';

export const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
export const { ca, leaf } = await issueCertificates(NOW_MS);

const LABELS = { app: 'everything' };
const ANNOTATIONS = {
  'kubectl-mcp.dev/inject': 'true',
  'kubectl-mcp.dev/name': 'everything',
  'kubectl-mcp.dev/port': '3001',
};

const slice = (namespace: string, service: string): V1EndpointSlice => ({
  addressType: 'IPv4',
  metadata: { name: `${service}-x`, namespace, labels: { 'kubernetes.io/service-name': service } },
  endpoints: [{ addresses: ['10.0.0.9'], conditions: { ready: true } }],
});

const workload = (): Workload => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'everything', namespace: 'demo', generation: 2 },
  spec: {
    replicas: 1,
    selector: { matchLabels: LABELS },
    template: {
      metadata: { labels: LABELS, annotations: ANNOTATIONS },
      spec: {
        containers: [
          { name: 'everything', image: 'everything:1', ports: [{ name: 'mcp', containerPort: 3001 }] },
        ],
      },
    },
  },
  status: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
});

const running = { running: { startedAt: new Date(NOW_MS) } };

const pod = (): V1Pod => ({
  metadata: { name: 'everything-6f-1', namespace: 'demo', labels: LABELS, annotations: ANNOTATIONS },
  spec: injected(podOf(workload())).spec!,
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    podIP: '10.0.0.9',
    initContainerStatuses: [
      {
        name: 'mcp-proxy',
        image: 'i',
        imageID: '',
        ready: true,
        started: true,
        restartCount: 0,
        state: running,
      },
    ],
    containerStatuses: [
      {
        name: 'everything',
        image: 'i',
        imageID: '',
        ready: true,
        started: true,
        restartCount: 0,
        state: running,
      },
    ],
  },
});

const service = (): V1Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'everything', namespace: 'demo' },
  spec: { selector: LABELS, ports: [{ port: 80, targetPort: 7410 }] },
});

const WEBHOOK_LABELS = { 'app.kubernetes.io/component': 'webhook' };

const webhook = (): V1Deployment => ({
  metadata: { name: 'kubectl-mcp-webhook', namespace: 'kubectl-mcp-system' },
  spec: {
    replicas: 2,
    selector: { matchLabels: WEBHOOK_LABELS },
    template: {
      metadata: { labels: WEBHOOK_LABELS },
      spec: {
        containers: [{ name: 'webhook' }],
        topologySpreadConstraints: [
          { topologyKey: 'kubernetes.io/hostname', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' },
        ],
      },
    },
  },
  status: { availableReplicas: 2 },
});

/** As server-side apply notes who wrote the caBundle. */
export const wroteBundle = (manager: string) => ({
  manager,
  fieldsV1: {
    'f:webhooks': {
      'k:{"name":"inject.kubectl-mcp.dev"}': { 'f:clientConfig': { 'f:caBundle': {} } },
    },
  },
});

const limitRange = (): V1LimitRange => ({
  metadata: { name: 'limits', namespace: 'demo' },
  spec: { limits: [{ type: 'Pod', max: { cpu: '1' } }] },
});

/** Just enough for a rolling update. */
const quota = (): V1ResourceQuota => ({
  metadata: { name: 'quota', namespace: 'demo' },
  spec: { hard: { pods: '2' } },
  status: { hard: { pods: '2' }, used: { pods: '1' } },
});

export const healthy = (): Values => ({
  configuration: {
    metadata: { name: 'kubectl-mcp', managedFields: [wroteBundle('kubectl-mcp')] },
    webhooks: [
      {
        name: 'inject.kubectl-mcp.dev',
        admissionReviewVersions: ['v1'],
        sideEffects: 'NoneOnDryRun',
        failurePolicy: 'Fail',
        matchConditions: [{ name: 'annotated', expression: 'true' }],
        clientConfig: { caBundle: Buffer.from(ca).toString('base64') },
      },
    ],
  },
  earlyWord: {
    metadata: { name: 'kubectl-mcp' },
    webhooks: ['workloads.kubectl-mcp.dev', 'policies.kubectl-mcp.dev'].map((name) => ({
      name,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Ignore',
      matchConditions: [{ name: 'changed', expression: 'true' }],
      clientConfig: {
        caBundle: Buffer.from(ca).toString('base64'),
        service: { name: 'kubectl-mcp-webhook', namespace: 'kubectl-mcp-system' },
      },
    })),
  },
  webhookService: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'kubectl-mcp-webhook' } },
  webhookEndpoints: [slice('kubectl-mcp-system', 'kubectl-mcp-webhook')],
  certificate: leaf,
  webhookDeployment: webhook(),
  webhookBudgets: [{ spec: { selector: { matchLabels: WEBHOOK_LABELS } } }],
  webhookReplicas: {
    'webhook-1': { certificate: leaf, caBundleWrites: 1 },
    'webhook-2': { certificate: leaf, caBundleWrites: 0 },
  },
  issuing: null,
  canary: { injected: true },
  workloads: [workload()],
  others: [],
  installed: {
    webhooks: [{ image: 'kubectl-mcp.dev/kubectl-mcp:0.1.0', imagePullPolicy: 'IfNotPresent' }],
    revisionOf: {},
  },
  revisions: {
    configurations: ['', 'canary'].map((revision) => ({
      metadata: {
        name: revision ? `kubectl-mcp-${revision}` : 'kubectl-mcp',
        labels: { ...(revision && { 'kubectl-mcp.dev/revision': revision }) },
      },
      webhooks: [
        {
          name: 'inject.kubectl-mcp.dev',
          admissionReviewVersions: ['v1'],
          sideEffects: 'NoneOnDryRun',
          clientConfig: {},
          namespaceSelector: {
            matchExpressions: [
              { key: 'kubectl-mcp.dev/revision', operator: revision ? 'In' : 'NotIn', values: ['canary'] },
            ],
          },
        },
      ],
    })),
    namespaces: [
      { name: 'demo', labels: {} },
      { name: 'early', labels: { 'kubectl-mcp.dev/revision': 'canary' } },
    ],
  },
  pods: [pod()],
  services: [service()],
  endpoints: [slice('demo', 'everything')],
  events: [],
  refusals: [],
  policies: [
    {
      metadata: { name: 'everything-mcp', namespace: 'demo' },
      spec: {
        podSelector: { matchLabels: LABELS },
        policyTypes: ['Ingress'],
        ingress: [{ ports: [{ port: 7410 }] }],
      },
    },
  ],
  ingresses: [],
  namespaceLabels: { demo: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
  limits: { demo: { limitRanges: [limitRange()], quotas: [quota()] } },
  secrets: {},
  configMaps: {},
  health: {
    'demo/everything-6f-1': {
      health: {
        status: 'healthy',
        servers: [
          {
            name: 'everything',
            connected: true,
            tools: [
              { name: 'echo', allowed: true },
              { name: 'get-env', allowed: true },
            ],
          },
        ],
      },
    },
  },
  dials: { 'demo/Deployment/everything': { pod: 'everything-6f-1', serverOpen: false, sidecarOpen: true } },
});

/** A snapshot of the healthy namespace after `breakIt`; sources in `unknown` could not be read. */
export function snapshot(
  breakIt: (values: Mutable<Values>) => void = () => {},
  unknown: { [S in keyof Values]?: string } = {},
): Snapshot {
  const values = structuredClone(healthy()) as Mutable<Values>;
  breakIt(values);
  const reads = Object.entries(values).map(([source, value]) => {
    const reason = unknown[source as keyof Values];
    return [source, reason === undefined ? { value } : { unknown: reason }];
  });
  return { nowMs: NOW_MS, ...Object.fromEntries(reads) } as Snapshot;
}

/** Fixtures are broken in place. */
export type Mutable<T> = T extends Date
  ? T
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;
