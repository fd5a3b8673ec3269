/** A server that knows nothing of us, as a user would have deployed it. */
import { imageName } from '../images/build.ts';
import { kubectl } from './kubectl.ts';
import { createNamespace } from './namespace.ts';

/**
 * Two Services reach it by name and by number, one reaches another port. It listens before it is ready, and stops some
 * time after it has left the endpoints: a rollout of it alone loses no connection.
 */
const manifest = (namespace: string, replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything, namespace: ${namespace} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: everything } }
  template:
    metadata: { labels: { app: everything }, annotations: { example.com/kept: "yes" } }
    spec:
      terminationGracePeriodSeconds: 20
      containers:
        - name: everything
          image: ${imageName('everything')}
          imagePullPolicy: Never
          ports: [{ name: mcp, containerPort: 3001 }, { name: other, containerPort: 9999 }]
          readinessProbe: { tcpSocket: { port: 3001 }, periodSeconds: 1 }
          lifecycle: { preStop: { sleep: { seconds: 5 } } }
---
apiVersion: v1
kind: Service
metadata: { name: everything, namespace: ${namespace} }
spec:
  selector: { app: everything }
  ports: [{ name: http, port: 80, targetPort: mcp }, { name: direct, port: 3001 }]
---
apiVersion: v1
kind: Service
metadata: { name: other, namespace: ${namespace} }
spec:
  selector: { app: everything }
  ports: [{ port: 80, targetPort: other }]
`;

export async function deployEverything(namespace: string, replicas = 1): Promise<void> {
  await createNamespace(namespace);
  await kubectl(['apply', '-f', '-'], { input: manifest(namespace, replicas) });
  await kubectl(['-n', namespace, 'rollout', 'status', 'deployment/everything', '--timeout=120s']);
}
