export const NAMESPACE = 'kubectl-mcp-demo';

/** What a team has before it hears of us: an image, a Deployment, a Service. */
export const MANIFEST = `
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: everything
  namespace: ${NAMESPACE}
spec:
  selector:
    matchLabels: {app: everything}
  template:
    metadata:
      labels: {app: everything}
    spec:
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: everything
          image: kubectl-mcp.dev/test/everything:1
          ports:
            - containerPort: 3001
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
---
apiVersion: v1
kind: Service
metadata:
  name: everything
  namespace: ${NAMESPACE}
spec:
  selector: {app: everything}
  ports:
    - port: 80
      targetPort: 3001
`;

/** The first message of any client of the 2025 revisions. */
export const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'demo', version: '1' } },
});

export const toolCall = (name: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name, arguments: {} } });
