/** A workload with `auth: token` whose Secret is `callers`, and what its pods say to a token. */
import type { V1Pod } from '@kubernetes/client-node';
import { imageName } from '../images/build.ts';
import { initialize } from './initialize.ts';
import { kubectl } from './kubectl.ts';

export const tokenManifest = (namespace: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything, namespace: ${namespace} }
spec:
  replicas: 2
  selector: { matchLabels: { app: everything } }
  template:
    metadata:
      labels: { app: everything }
      annotations:
        kubectl-mcp.dev/inject: "true"
        kubectl-mcp.dev/auth: token
        kubectl-mcp.dev/token-secret: callers
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: everything
          image: ${imageName('everything')}
          imagePullPolicy: Never
          ports: [{ containerPort: 3001 }]
`;

async function podsOf(namespace: string): Promise<V1Pod[]> {
  const { items } = JSON.parse(await kubectl(['-n', namespace, 'get', 'pods', '-o', 'json'])) as {
    items: V1Pod[];
  };
  return items;
}

/** What each pod answers, asked at its own address. */
export async function answersOf(namespace: string, bearer: string) {
  const asked = (await podsOf(namespace)).map(({ status }) =>
    initialize(`http://${status!.podIP}:7410/mcp`, bearer),
  );
  return Promise.all(asked);
}
