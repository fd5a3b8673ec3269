/** What is created: a pod as the controller of an ordinary Deployment asks for it, about 2 KB. */
import { ON_FAKE_NODE } from '../rig/fake-nodes.ts';
import { PREFIX } from '../../webhook/names.ts';

/** @param nodeName without one it waits for the scheduler, which places 50 a second. */
export const podOf = (annotated: boolean, nodeName?: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: 'everything-6b4f9c7d8-',
    labels: { app: 'everything', 'pod-template-hash': '6b4f9c7d8', 'app.kubernetes.io/version': '1.4.2' },
    annotations: {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '9090',
      'checksum/config': '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
      ...(annotated && { [`${PREFIX}inject`]: 'true', [`${PREFIX}deny-tools`]: 'get-env, sample-*' }),
    },
  },
  spec: {
    ...ON_FAKE_NODE,
    ...(nodeName && { nodeName }),
    terminationGracePeriodSeconds: 30,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'everything',
        image: 'registry.example.com/tools/everything:1.4.2',
        args: ['streamableHttp', '--log-level', 'info'],
        ports: [{ name: 'mcp', containerPort: 3001 }],
        env: [
          { name: 'LOG_FORMAT', value: 'json' },
          { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'API_KEY', valueFrom: { secretKeyRef: { name: 'everything', key: 'api-key' } } },
        ],
        readinessProbe: { httpGet: { path: '/healthz', port: 3001 }, periodSeconds: 5 },
        livenessProbe: { httpGet: { path: '/healthz', port: 3001 }, periodSeconds: 20 },
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
      },
    ],
    volumes: [{ name: 'cache', emptyDir: {} }],
  },
});

/** Of a pod as the API server answered it; not parsed, for the client should cost little. */
export const isInjected = (answer: string): boolean => answer.includes('"name":"mcp-proxy"');
