/** For each code, ways in which its check fails, and what the first line then says. */
import { reviewsCommand } from '../../../sidecar/auth/token-reviews.ts';
import type { CoreV1Event } from '@kubernetes/client-node';
import type { Replica, Values } from '../../../plugin/doctor/snapshot.ts';
import type { SourceFacts } from '../../../plugin/sources/read.ts';
import type { TokenFacts } from '../../../plugin/sources/token-facts.ts';
import { createAuthority } from '../../certificates.ts';
import { issueCertificates } from './certificates.ts';
import { ca, type Mutable, NOW_MS, wroteBundle } from './fixtures.ts';

export interface Broken {
  readonly code: string;
  readonly when: string;
  readonly says: RegExp;
  readonly breakIt: (values: Mutable<Values>) => void;
  /** When it differs from the check's severity. */
  readonly outcome?: 'warning';
}

const DAY_MS = 86_400_000;
const other = await issueCertificates(NOW_MS);
const old = await issueCertificates(NOW_MS, undefined, 9.5);
const ended = await issueCertificates(NOW_MS, undefined, -1 / 86_400);
const elsewhere = await issueCertificates(NOW_MS, 'other.example.com');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const webhookOf = (values: Mutable<Values>) => values.configuration!.webhooks![0]!;
const authority = await createAuthority(NOW_MS);
const { 'tls.crt': served } = await authority.issue(['everything.demo.svc']);
const { 'tls.crt': ending } = await authority.issue(['everything'], { notAfterMs: NOW_MS + 13.5 * DAY_MS });
const { 'tls.crt': outside } = await authority.issue(['tools.example.com']);
const tlsFacts = (pem: string): SourceFacts => ({
  keys: [],
  type: 'kubernetes.io/tls',
  certificate: { pem },
});
const serve = (values: Mutable<Values>, facts: SourceFacts | null) => {
  annotate(values, 'tls-secret', 'tls');
  values.secrets['tls-secret demo/tls'] = facts as Mutable<SourceFacts> | null;
};
const policy = (values: Mutable<Values>, facts: SourceFacts | null) => {
  annotate(values, 'policy', 'rules');
  values.configMaps['policy demo/rules'] = facts as Mutable<SourceFacts> | null;
};
const pinned = (values: Mutable<Values>, isSame: boolean) => {
  const pins = {
    same_image: isSame,
    drift: [
      { tool: 'echo', what: 'changed', fields: ['description'] },
      { tool: 'now', what: 'renamed', from: 'get-env' },
    ],
  };
  Object.assign(healthOf(values).servers[0]!, { pins });
};
const tokens = (values: Mutable<Values>, ...facts: TokenFacts[]) => {
  annotate(values, 'auth', 'token');
  annotate(values, 'token-secret', 'mine');
  values.secrets['token-secret demo/mine'] = { keys: ['ci'], contentFaults: [], tokens: facts };
};
const path = (name: string) => ({
  path: '/',
  pathType: 'Prefix',
  backend: { service: { name, port: { number: 80 } } },
});
const podOf = (values: Mutable<Values>) => values.pods[0]!;
const templateOf = (values: Mutable<Values>) => values.workloads[0]!.spec.template;
const annotate = (values: Mutable<Values>, key: string, value: string) => {
  templateOf(values).metadata!.annotations![`kubectl-mcp.dev/${key}`] = value;
};
const loginWith =
  (annotations: Record<string, string>) =>
  (values: Mutable<Values>): void => {
    const given = { auth: 'oidc', 'oidc-issuer': 'https://login.example.com', ...annotations };
    for (const [key, value] of Object.entries(given)) annotate(values, key, value);
  };
const sidecar = (values: Mutable<Values>, state: object, restartCount = 0) =>
  Object.assign(podOf(values).status!.initContainerStatuses![0]!, { state, restartCount, started: false });
const serverStatus = (values: Mutable<Values>, change: object) =>
  Object.assign(podOf(values).status!.containerStatuses![0]!, change);
const healthOf = (values: Mutable<Values>) =>
  (values.health['demo/everything-6f-1'] as { health: Mutable<{ status: string; servers: object[] }> })
    .health;
const degraded = (values: Mutable<Values>) => {
  healthOf(values).status = 'degraded';
  healthOf(values).servers = [
    { name: 'everything', connected: false, error: 'connect ECONNREFUSED 127.0.0.1:3001' },
  ];
};
const unreached = (values: Mutable<Values>, error: string) => {
  Object.assign(podOf(values).metadata!.annotations!, {
    'kubectl-mcp.dev/upstream': 'https://tools.example.com/mcp',
  });
  for (const key of ['port', 'path']) delete podOf(values).metadata!.annotations![`kubectl-mcp.dev/${key}`];
  healthOf(values).status = 'degraded';
  healthOf(values).servers = [{ name: 'everything', connected: false, error }];
};
const speaksStdio = (values: Mutable<Values>, server: object) => {
  const pod = podOf(values);
  Object.assign(pod.metadata!.annotations!, {
    'kubectl-mcp.dev/transport': 'stdio',
    'kubectl-mcp.dev/command': '["node"]',
  });
  for (const key of ['port', 'path']) delete pod.metadata!.annotations![`kubectl-mcp.dev/${key}`];
  healthOf(values).servers = [{ name: 'everything', ...server }];
};
const rollingOut = (values: Mutable<Values>, message: string) => {
  values.workloads[0]!.status = {
    observedGeneration: 2,
    replicas: 1,
    updatedReplicas: 0,
    conditions: [{ type: 'ReplicaFailure', status: 'True', message }],
  };
};
const refusedBy = (text: string) => `admission webhook "inject.kubectl-mcp.dev" denied the request: ${text}`;

const serveBy = (values: Mutable<Values>, replica: Replica) =>
  (values.webhookReplicas['webhook-2'] = replica as Mutable<Replica>);
const refusedOwner = (name: string, reason = 'PortMissing', minutesAgo = 3): CoreV1Event => ({
  metadata: { namespace: 'demo' },
  involvedObject: { kind: 'Job', name },
  reason,
  message: `set port [${reason}]`,
  count: 7,
  lastTimestamp: new Date(NOW_MS - minutesAgo * 60_000),
});

export const BROKEN: readonly Broken[] = [
  {
    code: 'MCP101',
    when: 'there is no configuration',
    says: /there is no MutatingWebhookConfiguration kubectl-mcp/,
    breakIt: (values) => (values.configuration = null),
  },
  {
    code: 'MCP101',
    when: 'the configuration is of something else',
    says: /MutatingWebhookConfiguration kubectl-mcp does not hold the webhook inject\.kubectl-mcp\.dev/,
    breakIt: (values) => (webhookOf(values).name = 'other'),
  },
  {
    code: 'MCP101',
    when: 'there is no configuration of the early word',
    outcome: 'warning',
    says: /there is no ValidatingWebhookConfiguration kubectl-mcp/,
    breakIt: (values) => (values.earlyWord = null),
  },
  {
    code: 'MCP101',
    when: 'the early word has lost an entry',
    outcome: 'warning',
    says: /ValidatingWebhookConfiguration kubectl-mcp does not hold the webhook policies\.kubectl-mcp\.dev/,
    breakIt: (values) => values.earlyWord!.webhooks!.pop(),
  },
  {
    code: 'MCP104',
    when: 'the default does not leave the namespaces of a revision alone',
    says: /kubectl-mcp and kubectl-mcp-canary are asked about the same pods\n.*those of namespaces early\n.*fix: kubectl mcp install; /,
    breakIt: (values) => {
      values.revisions.configurations[0]!.webhooks![0]!.namespaceSelector = {};
    },
  },
  {
    code: 'MCP104',
    when: 'the configuration of a revision is gone, and the default still leaves its namespaces',
    says: /no webhook is asked about pods of namespace early\n.*without the proxy\n.*fix: kubectl mcp install\n/,
    breakIt: (values) => values.revisions.configurations.pop(),
  },
  {
    code: 'MCP106',
    when: 'the early word fails closed, for everything',
    says: /failurePolicy of workloads\.kubectl-mcp\.dev is not Ignore: .*\n.*no matchCondition of workloads/,
    breakIt: (values) =>
      Object.assign(values.earlyWord!.webhooks![0]!, { failurePolicy: 'Fail', matchConditions: [] }),
  },
  {
    code: 'MCP106',
    when: 'a configuration leads to another Service',
    says: /workloads\.kubectl-mcp\.dev leads to service\/other in namespace kubectl-mcp-system/,
    breakIt: (values) => (values.earlyWord!.webhooks![0]!.clientConfig.service!.name = 'other'),
  },
  {
    code: 'MCP201',
    when: 'the early word has another caBundle',
    outcome: 'warning',
    says: /the caBundle of policies\.kubectl-mcp\.dev is not that of inject\.kubectl-mcp\.dev/,
    breakIt: (values) => (values.earlyWord!.webhooks![1]!.clientConfig.caBundle = 'eA=='),
  },
  {
    code: 'MCP106',
    when: 'the failurePolicy is Ignore',
    says: /changed by hand\n.*failurePolicy is Ignore/,
    breakIt: (values) => (webhookOf(values).failurePolicy = 'Ignore'),
  },
  {
    code: 'MCP106',
    when: 'the matchCondition is gone',
    says: /no matchCondition/,
    breakIt: (values) => (webhookOf(values).matchConditions = []),
  },
  {
    code: 'MCP102',
    when: 'the Service is gone',
    says: /there is no Service kubectl-mcp-webhook/,
    breakIt: (values) => (values.webhookService = null),
  },
  {
    code: 'MCP102',
    when: 'no endpoint is ready',
    says: /has no ready endpoint\n {4}1 pods of the webhook are not ready/,
    breakIt: (values) => (values.webhookEndpoints[0]!.endpoints![0]!.conditions!.ready = false),
  },
  {
    code: 'MCP103',
    when: 'there is one replica, and no budget',
    says: /can be away as a whole\n {4}it has 1 replica, not two\n {4}no PodDisruptionBudget selects its pods/,
    breakIt: (values) => {
      values.webhookDeployment!.spec!.replicas = 1;
      values.webhookBudgets[0]!.spec!.selector!.matchLabels = { app: 'other' };
    },
  },
  {
    code: 'MCP103',
    when: 'nothing spreads the replicas',
    says: /nothing keeps its pods apart/,
    breakIt: (values) => delete values.webhookDeployment!.spec!.template.spec!.topologySpreadConstraints,
  },
  {
    code: 'MCP103',
    when: 'a replica is not available',
    says: /1 of 2 replicas of deployment\/kubectl-mcp-webhook .* are available\n.*fix: kubectl describe pods/,
    breakIt: (values) => (values.webhookDeployment!.status!.availableReplicas = 1),
  },
  {
    code: 'MCP109',
    when: 'the canary comes back bare',
    says: /came back without the proxy: the webhook was not asked/,
    breakIt: (values) => (values.canary = { injected: false }),
  },
  {
    code: 'MCP109',
    when: 'the webhook cannot be reached',
    says: /canary pod was refused\n.*cannot reach the webhook: no answer in time; does a firewall/,
    breakIt: (values) =>
      (values.canary = {
        injected: false,
        refusal:
          'Internal error occurred: failed calling webhook "inject.kubectl-mcp.dev": failed to call webhook: Post "https://x": context deadline exceeded',
      }),
  },
  {
    code: 'MCP201',
    when: 'the caBundle is empty',
    says: /caBundle is empty/,
    breakIt: (values) => delete webhookOf(values).clientConfig.caBundle,
  },
  {
    code: 'MCP201',
    when: 'the caBundle is not PEM',
    says: /caBundle is not PEM/,
    breakIt: (values) => (webhookOf(values).clientConfig.caBundle = base64('hello')),
  },
  {
    code: 'MCP202',
    when: 'another CA has signed',
    says: /none of the CAs in the caBundle has signed it/,
    breakIt: (values) => (webhookOf(values).clientConfig.caBundle = base64(other.ca)),
  },
  {
    code: 'MCP202',
    when: 'the certificate is for another host',
    says: /names DNS:other\.example\.com/,
    breakIt: (values) => {
      values.certificate = elsewhere.leaf;
      webhookOf(values).clientConfig.caBundle = base64(elsewhere.ca);
    },
  },
  {
    code: 'MCP203',
    when: 'the certificate ends in 9 days',
    says: /the serving certificate expires in 9 days/,
    breakIt: (values) => {
      values.certificate = old.leaf;
      webhookOf(values).clientConfig.caBundle = base64(old.ca);
    },
  },
  {
    code: 'MCP204',
    when: 'a replica serves what nobody trusts',
    says: /pod webhook-2 serves a certificate that no CA in the caBundle has signed\n {4}it says: the webhook configuration does not hold/,
    breakIt: (values) =>
      serveBy(values, {
        certificate: other.leaf,
        unready: 'the webhook configuration does not hold the CA of the serving certificate',
        caBundleWrites: 0,
      }),
  },
  {
    code: 'MCP204',
    when: 'a replica serves what has expired',
    says: /pod webhook-2 serves a certificate that expired at 2026-11-20T11:59:59/,
    breakIt: (values) => {
      webhookOf(values).clientConfig.caBundle = base64(ca + ended.ca);
      serveBy(values, { certificate: ended.leaf, caBundleWrites: 0 });
    },
  },
  {
    code: 'MCP205',
    when: 'the annotation leads to nothing',
    says: /there is no Certificate demo\/gone\n.*takes its caBundle from it/,
    breakIt: (values) => (values.issuing = { certificate: 'demo/gone', exists: false, ready: false }),
  },
  {
    code: 'MCP205',
    when: 'cert-manager cannot issue',
    says: /certificate\/tls in namespace demo is not ready\n {4}Issuer not found\n.*fix: kubectl describe certificate,certificaterequest -n demo/,
    breakIt: (values) =>
      (values.issuing = { certificate: 'demo/tls', exists: true, ready: false, message: 'Issuer not found' }),
  },
  {
    code: 'MCP206',
    when: 'Argo CD applies it, too',
    says: /is written by others, too\n.*it is written by kubectl-mcp and argocd-controller/,
    breakIt: (values) =>
      values.configuration!.metadata!.managedFields!.push(wroteBundle('argocd-controller')),
  },
  {
    code: 'MCP206',
    when: 'somebody else alone has written it',
    says: /it is written by kubectl-edit/,
    breakIt: (values) => (values.configuration!.metadata!.managedFields = [wroteBundle('kubectl-edit')]),
  },
  {
    code: 'MCP206',
    when: 'it had to be written again and again',
    says: /pod webhook-2 has had to write it 40 times since its start/,
    breakIt: (values) => serveBy(values, { certificate: values.certificate!, caBundleWrites: 40 }),
  },
  {
    code: 'MCP407',
    when: 'Jobs are refused pods',
    says: /2 owners are refused pods: PortMissing\n {4}job\/a in namespace demo: set port \[PortMissing\] \(3 min ago, 7 times\)\n.*job\/b[^]*fix: set `port` to the server's port\n[^]*an owner is refused pods: HostNetwork/,
    breakIt: (values) =>
      (values.refusals = [
        refusedOwner('a'),
        refusedOwner('b', 'PortMissing', 19),
        refusedOwner('c', 'HostNetwork'),
      ]),
  },
  {
    code: 'MCP302',
    when: 'an annotation is on the Deployment',
    says: /deployment\.apps\/everything in namespace demo has annotations that do nothing\n.*mode counts on the pod template alone.*\n.*fix: kubectl patch deployment everything -n demo --type merge -p '\{"metadata"/,
    breakIt: (values) =>
      (values.workloads[0]!.metadata.annotations = { 'kubectl-mcp.dev/mode': 'read-only' }),
  },
  {
    code: 'MCP303',
    when: 'a key is misspelt',
    says: /would be refused\n.*kubectl-mcp\.dev\/deny-tolls: "x" is not a known annotation; .*kubectl-mcp\.dev\/deny-tools/,
    breakIt: (values) => annotate(values, 'deny-tolls', 'x'),
  },
  {
    code: 'MCP304',
    when: 'the Secret is missing',
    says: /Secret mine in namespace demo does not exist/,
    breakIt: (values) => {
      annotate(values, 'auth', 'token');
      annotate(values, 'token-secret', 'mine');
      values.secrets['token-secret demo/mine'] = null;
    },
  },
  {
    code: 'MCP304',
    when: 'the Secret is empty',
    says: /has no key: nobody can call/,
    breakIt: (values) => {
      annotate(values, 'auth', 'token');
      annotate(values, 'token-secret', 'mine');
      values.secrets['token-secret demo/mine'] = { keys: [] };
    },
  },
  {
    code: 'MCP304',
    when: 'the Secret of the headers is missing',
    says: /Secret key in namespace demo does not exist\n.*new pods wait for it: kubectl-mcp\.dev\/upstream-headers-secret/,
    breakIt: (values) => {
      annotate(values, 'upstream-headers-secret', 'key');
      values.secrets['upstream-headers-secret demo/key'] = null;
    },
  },
  {
    code: 'MCP304',
    when: 'a token is empty',
    says: /Secret mine in namespace demo cannot be used: nobody can call\n {4}"alice" is empty\n.*\n.*fix: kubectl edit secret mine -n demo/,
    breakIt: (values) => {
      annotate(values, 'auth', 'token');
      annotate(values, 'token-secret', 'mine');
      values.secrets['token-secret demo/mine'] = { keys: ['alice'], contentFaults: ['"alice" is empty'] };
    },
  },
  {
    code: 'MCP740',
    when: 'a token ends within the week',
    says: /Secret mine in namespace demo: the token of "ci" expires in 6d12h\n.*its id is 0a1b2c3d; .*\n.*fix: kubectl mcp token rotate deployment\/everything -n demo ci/,
    breakIt: (values) => tokens(values, { caller: 'ci', id: '0a1b2c3d', expiresAtMs: NOW_MS + 6.5 * DAY_MS }),
  },
  {
    code: 'MCP740',
    when: 'a token has expired, and an older one did before',
    says: /the token of "ci" has expired, 2d ago\n.*its id is 0a1b2c3d/,
    breakIt: (values) =>
      tokens(
        values,
        { caller: 'ci', id: 'ffffffff', expiresAtMs: NOW_MS - 9 * DAY_MS },
        { caller: 'ci', id: '0a1b2c3d', expiresAtMs: NOW_MS - 2 * DAY_MS },
      ),
  },
  {
    code: 'MCP741',
    when: 'a token was made up',
    says: /the token of "ci" has fewer than 16 characters\n/,
    breakIt: (values) =>
      tokens(values, { caller: 'ci', id: '0a1b2c3d', weakness: 'has fewer than 16 characters' }),
  },
  {
    code: 'MCP308',
    when: 'only the image knows what it starts',
    says: /would be refused: nothing says what they start\n.*kubectl-mcp\.dev\/command is missing: .*\n.*fix: kubectl mcp enable deployment\/everything -n demo --transport stdio/,
    breakIt: (values) => {
      annotate(values, 'transport', 'stdio');
      delete values.workloads[0]!.spec.template.metadata!.annotations!['kubectl-mcp.dev/port'];
    },
  },
  {
    code: 'MCP310',
    when: 'the volume is nowhere',
    says: /have no volume "vault-secrets"\n.*upstream-headers-volume names it; they have: kubectl-mcp-kubernetes, kubectl-mcp-keys\n.*fix: kubectl edit deployment\/everything -n demo/,
    breakIt: (values) => annotate(values, 'upstream-headers-volume', 'vault-secrets/headers'),
  },
  {
    code: 'MCP207',
    when: 'the Secret is of another type',
    says: /Secret tls in namespace demo is of type Opaque, not kubernetes\.io\/tls\n.*names it in kubectl-mcp\.dev\/tls-secret\n.*fix: kubectl delete secret tls -n demo, then kubectl create secret tls tls --cert/,
    breakIt: (values) =>
      serve(values, { keys: ['tls.crt', 'tls.key'], type: 'Opaque', certificate: { pem: served } }),
  },
  {
    code: 'MCP207',
    when: 'key and certificate do not belong together',
    says: /cannot be served\n {4}tls\.key is not the key/,
    breakIt: (values) =>
      serve(values, {
        keys: [],
        type: 'kubernetes.io/tls',
        certificate: { fault: 'tls.key is not the key' },
      }),
  },
  {
    code: 'MCP208',
    when: 'the certificate ends in 13 days',
    says: /Secret tls in namespace demo holds a certificate that expires in 13 days \(2026-12-04\)/,
    breakIt: (values) => serve(values, tlsFacts(ending)),
  },
  {
    code: 'MCP209',
    when: 'it is for another name',
    says: /not for everything\.demo\.svc\n {4}it names DNS:tools\.example\.com/,
    breakIt: (values) => serve(values, tlsFacts(outside)),
  },
  {
    code: 'MCP506',
    when: 'a changed policy is broken',
    says: /the proxy tells of a problem\n {4}ConfigMap rules: policy\.yaml/,
    breakIt: (values) => {
      healthOf(values).servers = [
        { name: 'everything', connected: true, problems: ['ConfigMap rules: policy.yaml: not YAML'] },
      ];
    },
  },
  {
    code: 'MCP708',
    when: 'any host and any origin will do',
    says: /allowed-hosts holds "\*"\n.*DNS rebinding\n.*\n.*\n.*allowed-origins holds "\*"/,
    breakIt: (values) => {
      annotate(values, 'allowed-hosts', 'a, *');
      annotate(values, 'allowed-origins', '*');
    },
  },
  {
    code: 'MCP709',
    when: 'everybody is a trusted proxy',
    says: /trusted-proxies holds 0\.0\.0\.0\/0 and ::\/0/,
    breakIt: (values) => annotate(values, 'trusted-proxies', '10.0.0.0/8, 0.0.0.0/0, ::/0'),
  },
  {
    code: 'MCP710',
    when: 'the ConfigMap is missing',
    says: /ConfigMap rules in namespace demo does not exist\n.*\n.*\n.*kubectl create configmap rules --from-file=policy\.yaml -n demo/,
    breakIt: (values) => policy(values, null),
  },
  {
    code: 'MCP710',
    when: 'the ConfigMap has another key',
    says: /has no key policy\.yaml\n {4}it has: policy\.yml/,
    breakIt: (values) => policy(values, { keys: ['policy.yml'] }),
  },
  {
    code: 'MCP710',
    when: 'the policy has faults',
    says: /holds no policy in policy\.yaml\n {4}tools\.alow: \[\]: unknown key/,
    breakIt: (values) =>
      policy(values, { keys: ['policy.yaml'], contentFaults: ['tools.alow: []: unknown key'] }),
  },
  {
    code: 'MCP710',
    when: 'the keys of an actor cannot be read',
    says: /ConfigMap actors in namespace demo has keys that cannot be used.*\n {4}"ns\.a" is not JSON\n/,
    breakIt: (values) => {
      annotate(values, 'trusted-actors', 'actors');
      values.configMaps['trusted-actors demo/actors'] = {
        keys: ['ns.a'],
        contentFaults: ['"ns.a" is not JSON'],
      };
    },
  },
  {
    code: 'MCP711',
    when: 'an Ingress sends another host',
    says: /refuses requests for host tools\.example\.com\n {4}ingress\/web leads it to service\/everything\n.*--public-url https:\/\/tools\.example\.com\/mcp/,
    breakIt: (values) => {
      values.ingresses = [
        {
          metadata: { name: 'web', namespace: 'demo' },
          spec: {
            rules: [
              { host: 'tools.example.com', http: { paths: [path('other'), path('everything')] } },
              { host: 'other.example.com', http: { paths: [path('other')] } },
              { http: { paths: [path('everything')] } },
            ],
          },
        },
      ];
    },
  },
  {
    code: 'MCP720',
    when: 'people log in without a public URL',
    says: /deployment\.apps\/everything in namespace demo has auth oidc and no kubectl-mcp\.dev\/public-url\n.*\n.*--public-url https:\/\/HOST\/mcp/,
    breakIt: loginWith({}),
  },
  {
    code: 'MCP721',
    when: 'an Ingress leads to the calls alone',
    says: /clients cannot find the metadata of OAuth at tools\.example\.com\n {4}no path of ingress\/web leads \/\.well-known\/oauth-protected-resource\/weather\/mcp to service\/everything/,
    breakIt: (values) => {
      loginWith({ 'public-url': 'https://tools.example.com/weather/mcp' })(values);
      values.ingresses = [
        {
          metadata: { name: 'web', namespace: 'demo' },
          spec: {
            rules: [
              {
                host: 'tools.example.com',
                http: { paths: [{ ...path('everything'), path: '/weather/mcp' }, path('other')] },
              },
            ],
          },
        },
      ];
    },
  },
  {
    code: 'MCP722',
    when: 'a policy asks for scopes that no caller has',
    says: /deployment\.apps\/everything in namespace demo: its policy hides tools from everybody.*\n {4}tools\.scopes: echo, get-\*\n.*kubectl edit configmap rules -n demo/,
    breakIt: (values) =>
      policy(values, {
        keys: ['policy.yaml'],
        contentFaults: [],
        toolPatterns: ['echo', 'get-*'].map((glob) => ({ where: 'tools.scopes', glob })),
      }),
  },
  {
    code: 'MCP401',
    when: 'a pod is older than its template’s annotations',
    says: /pod everything-6f-1 in namespace demo has no container mcp-proxy\n.*belongs to deployment\.apps\/everything in namespace demo/,
    breakIt: (values) => {
      podOf(values).spec!.initContainers = [];
      podOf(values).metadata!.annotations = {};
    },
  },
  {
    code: 'MCP401',
    when: 'an annotated pod of no workload was not injected',
    says: /has no container mcp-proxy/,
    breakIt: (values) => {
      podOf(values).spec!.initContainers = [];
      podOf(values).metadata!.labels = {};
    },
  },
  {
    code: 'MCP402',
    when: 'the webhook has another image',
    says: /deployment\.apps\/everything in namespace demo: 1 proxy is outdated\n.*image .*:0\.1\.0, now other:2\n.*fix: kubectl mcp restart deployment\/everything -n demo/,
    breakIt: (values) => (values.installed.webhooks[0]!.image = 'other:2'),
  },
  {
    code: 'MCP402',
    when: 'a pod of no workload has a configuration of before',
    says: /pod alone in namespace demo: its proxy is outdated\n.*another configuration\n.*delete the pod/,
    breakIt: (values) => {
      const alone = structuredClone(podOf(values));
      alone.metadata = { ...alone.metadata, name: 'alone', labels: {} };
      alone.metadata.annotations!['kubectl-mcp.dev/deny-tools'] = 'get-env';
      values.pods.push(alone);
    },
  },
  {
    code: 'MCP404',
    when: 'the webhook refuses',
    says: /cannot create pods\n {4}the webhook refuses them: kubectl-mcp\.dev\/port: "eighty" is/,
    breakIt: (values) => rollingOut(values, refusedBy('kubectl-mcp.dev/port: "eighty" is not allowed')),
  },
  {
    code: 'MCP404',
    when: 'Pod Security refuses',
    says: /Pod Security level restricted:latest forbids them: allowPrivilegeEscalation != false/,
    breakIt: (values) =>
      rollingOut(
        values,
        'pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
      ),
  },
  {
    code: 'MCP404',
    when: 'an event alone tells of a StatefulSet’s quota',
    says: /a ResourceQuota leaves no room: q, requested: pods=1/,
    breakIt: (values) => {
      values.workloads[0]!.kind = 'StatefulSet';
      values.workloads[0]!.status = { observedGeneration: 2, replicas: 0 };
      values.events = [
        {
          metadata: { namespace: 'demo' },
          involvedObject: { kind: 'StatefulSet', name: 'everything' },
          reason: 'FailedCreate',
          message: 'create Pod everything-0 failed: exceeded quota: q, requested: pods=1',
        },
      ];
    },
  },
  {
    code: 'MCP411',
    when: 'the template lost its annotations, and the Service was repointed',
    says: /port 80 leads to a proxy that pods of deployment\.apps\/everything in namespace demo do not have\n.*connections are refused\n/,
    breakIt: (values) => {
      const [lost] = values.workloads.splice(0);
      delete lost!.spec.template.metadata!.annotations;
      values.others.push(lost!);
      values.services[0]!.metadata!.annotations = {
        'kubectl-mcp.dev/original-target-ports': '{"80":"mcp"}',
      };
    },
  },
  {
    code: 'MCP411',
    when: 'a repository opted out, and its Service leads to the proxy still',
    says: /\n.*belongs to the Helm release web, where the annotations have to stand\n.*fix: kubectl mcp enable deployment\/everything -n demo with/,
    breakIt: (values) => {
      annotate(values, 'inject', 'false');
      const [lost] = values.workloads.splice(0);
      lost!.metadata.annotations = { 'meta.helm.sh/release-name': 'web' };
      values.others.push(lost!);
    },
  },
  {
    code: 'MCP404',
    when: 'a LimitRange refuses',
    says: /a LimitRange forbids them: \[maximum cpu usage per Container is 500m, but limit is 1, .*\]\n.*fix: give the pod template an init container mcp-proxy with resources that fit/,
    breakIt: (values) =>
      rollingOut(
        values,
        'pods "x" is forbidden: [maximum cpu usage per Container is 500m, but limit is 1, maximum memory usage per Container is 64Mi, but limit is 128Mi]',
      ),
  },
  {
    code: 'MCP901',
    when: 'a namespace is restricted',
    says: /its namespace forbids its pods\n {4}namespace\/demo enforces Pod Security level restricted:latest: container everything: securityContext\.allowPrivilegeEscalation must be false; /,
    breakIt: (values) => {
      rollingOut(values, 'x');
      values.namespaceLabels['demo'] = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    },
  },
  {
    code: 'MCP903',
    when: 'a LimitRange takes no pod with the proxy',
    says: /its namespace has no room for its pods\n {4}the pod has a cpu limit of 1 with the proxy's 1; limitrange\/limits sets a maximum of 600m for a pod\n.*fix: .*resources that fit \(requests: \{cpu: 10m, memory: 128Mi\}, limits: \{cpu: 500m/,
    breakIt: (values) => {
      rollingOut(values, 'x');
      values.limits['demo']!.limitRanges![0]!.spec!.limits[0]!.max = { cpu: '600m' };
    },
  },
  {
    code: 'MCP903',
    when: 'a quota has less room than pods are missing',
    says: /2 pods are to come; resourcequota\/quota has 1 of 2 pods left\n.*fix: raise resourcequota\/quota/,
    breakIt: (values) => {
      rollingOut(values, 'x');
      values.workloads[0]!.spec.replicas = 3;
    },
  },
  {
    code: 'MCP903',
    when: 'a quota wants what a container does not state',
    says: /container everything states no requests\.memory; resourcequota\/quota wants it of every container/,
    breakIt: (values) => {
      rollingOut(values, 'x');
      values.pods = [];
      values.limits['demo']!.quotas![0]!.status = {
        hard: { 'requests.memory': '1Gi' },
        used: { 'requests.memory': '0' },
      };
    },
  },
  {
    code: 'MCP405',
    when: 'the Service reaches the server by number',
    says: /service\/everything in namespace demo: port 80 reaches the server's own port 3001/,
    breakIt: (values) => (values.services[0]!.spec!.ports![0]!.targetPort = 3001),
  },
  {
    code: 'MCP405',
    when: 'the Service reaches the server by name',
    says: /port 80 reaches the server's own port 3001/,
    breakIt: (values) => (values.services[0]!.spec!.ports![0]!.targetPort = 'mcp'),
  },
  {
    code: 'MCP501',
    when: 'the proxy crashes',
    says: /container mcp-proxy waiting: CrashLoopBackOff, last exit code 1 \(Error\), restarts 5\n {4}back-off\n {4}invalid configuration/,
    breakIt: (values) => {
      sidecar(values, { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } }, 5);
      podOf(values).status!.initContainerStatuses![0]!.lastState = {
        terminated: { exitCode: 1, reason: 'Error', message: 'invalid configuration' },
      };
    },
  },
  {
    code: 'MCP502',
    when: 'the image cannot be pulled',
    says: /image of container mcp-proxy: ImagePullBackOff\n {4}not found/,
    breakIt: (values) => sidecar(values, { waiting: { reason: 'ImagePullBackOff', message: 'not found' } }),
  },
  {
    code: 'MCP504',
    when: 'the proxy has restarted often',
    says: /container mcp-proxy running, restarts 4/,
    breakIt: (values) => (podOf(values).status!.initContainerStatuses![0]!.restartCount = 4),
  },
  {
    code: 'MCP505',
    when: 'the admin port does not answer',
    says: /does not tell of its health\n {4}no answer in 5 s/,
    breakIt: (values) => (values.health['demo/everything-6f-1'] = { fault: 'no answer in 5 s' }),
  },
  {
    code: 'MCP601',
    when: 'the server was killed',
    says: /the server does not answer at port 3001\n {4}container everything terminated: exit code 137 \(Error\), restarts 3\n {4}connect ECONNREFUSED/,
    breakIt: (values) => {
      degraded(values);
      serverStatus(values, { state: { terminated: { exitCode: 137, reason: 'Error' } }, restartCount: 3 });
    },
  },
  {
    code: 'MCP601',
    when: 'the server runs and listens elsewhere',
    says: /container everything running\n/,
    breakIt: degraded,
  },
  {
    code: 'MCP605',
    when: 'processes end as they start',
    says: /3 of 3 processes of the server ended before they had answered\n {4}no answer\n {4}the last one ended with code 1\n {6}Error: Cannot find module\n.*fix: kubectl logs everything-6f-1 -n demo -c everything/,
    breakIt: (values) =>
      speaksStdio(values, {
        connected: false,
        error: 'no answer',
        stdio: {
          starts: 3,
          failed_starts: 3,
          foreign_lines: 0,
          last_exit: { code: 1, stderr: ['Error: Cannot find module'] },
        },
      }),
  },
  {
    code: 'MCP605',
    when: 'a server logs to stdout',
    outcome: 'warning',
    says: /the server has printed 7 lines that are no JSON-RPC/,
    breakIt: (values) =>
      speaksStdio(values, { connected: true, stdio: { starts: 1, failed_starts: 0, foreign_lines: 7 } }),
  },
  {
    code: 'MCP602',
    when: 'the certificate of a server elsewhere is for another name',
    says: /server at https:\/\/tools\.example\.com\/mcp cannot be reached\n {4}no connection.*another name.*\n.*upstream-tls-server-name/s,
    breakIt: (values) =>
      unreached(
        values,
        'no connection (tools.example.com: its certificate is for another name (DNS:a.example)) on port 443',
      ),
  },
  {
    code: 'MCP602',
    when: 'the HTTP proxy on the way refuses',
    says: /the proxy answered 403.*\n.*upstream-proxy/s,
    breakIt: (values) =>
      unreached(values, 'no connection (proxy.example.com: the proxy answered 403) on port 3128'),
  },
  {
    code: 'MCP606',
    when: 'the provider does not know the client',
    says: /no credential for the server\n {4}no token for the server by token exchange: .*invalid_client\n.*kubectl-mcp\.dev\/upstream-token-secret/s,
    breakIt: (values) => {
      const problem = 'no token for the server by token exchange: https://id.example.com: invalid_client';
      healthOf(values).servers = [{ name: 'everything', connected: true, problems: [problem] }];
    },
  },
  {
    code: 'MCP606',
    when: 'the server wants credentials',
    says: /the server does not take requests without credentials\n.*answered 401\n.*upstream-headers-secret.*upstream-token/s,
    breakIt: (values) => {
      const error = 'server/discover was answered 401';
      healthOf(values).servers = [{ name: 'everything', connected: false, error }];
    },
  },
  {
    code: 'MCP601',
    when: 'the proxy says nothing and the container waits',
    says: /container everything waiting: CrashLoopBackOff, last exit code 137 \(OOMKilled\), restarts 2/,
    breakIt: (values) => {
      values.health = {};
      serverStatus(values, {
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
        restartCount: 2,
      });
    },
  },
  {
    code: 'MCP715',
    when: 'the service account of the pod may not ask',
    says: /the API server does not say who may call what\n {4}the API server answered 403/,
    breakIt: (values) => {
      const access_error = 'the API server answered 403: localsubjectaccessreviews is forbidden';
      healthOf(values).status = 'degraded';
      healthOf(values).servers = [
        { name: 'everything', connected: true, error: access_error, access_error, problems: [access_error] },
      ];
    },
  },
  {
    code: 'MCP706',
    when: 'the service account of the pod may not have tokens reviewed',
    says: /service account demo\/default may not have tokens reviewed\n.*\n.*kubectl create clusterrolebinding/s,
    breakIt: (values) => {
      const error = `service account demo/default may not have tokens reviewed: ${reviewsCommand('demo', 'default')}`;
      healthOf(values).servers = [{ name: 'everything', connected: true, error, problems: [error] }];
    },
  },
  {
    code: 'MCP702',
    when: 'the proxy has no keys',
    says: /cannot tell callers apart\n {4}no keys of the cluster yet/,
    breakIt: (values) => {
      healthOf(values).servers = [
        { name: 'everything', connected: true, error: 'no keys of the cluster yet' },
      ];
    },
  },
  {
    code: 'MCP703',
    when: 'the provider is another than is said',
    says: /gives no answer that is of use\n {4}the OpenID provider https:\/\/id\.example\.com cannot be asked: .*\n.*set kubectl-mcp\.dev\/oidc-issuer to what/,
    breakIt: (values) => {
      const error =
        'the OpenID provider https://id.example.com cannot be asked: https://id.example.com/.well-known/openid-configuration is of the issuer "https://id.example.com/", not of "https://id.example.com": they must be equal to the letter';
      healthOf(values).servers = [
        { name: 'everything', connected: true, error, problems: [error], tools: [] },
      ];
    },
  },
  {
    code: 'MCP703',
    when: 'the provider is of a CA that is not trusted, and calls go on',
    says: /authority that is not trusted here \(what it said at .*\) ?.*\n.*name it in kubectl-mcp\.dev\/ca-configmap/,
    breakIt: (values) => {
      healthOf(values).servers = [
        {
          name: 'everything',
          connected: true,
          tools: [],
          problems: [
            'the OpenID provider https://id.example.com cannot be asked: https://id.example.com: its certificate is of an authority that is not trusted here (what it said at 2026-11-21T00:00:00.000Z stays in use)',
          ],
        },
      ];
    },
  },
  {
    code: 'MCP703',
    when: 'the provider does not take the credentials for introspection',
    says: /write client_id and client_secret of a client that may introspect/,
    breakIt: (values) => {
      healthOf(values).servers = [
        {
          name: 'everything',
          connected: true,
          tools: [],
          problems: [
            'tokens that are no JWTs cannot be checked: https://id.example.com/introspect answered 401',
          ],
        },
      ];
    },
  },
  {
    code: 'MCP704',
    when: 'nothing is said of the audience',
    says: /has auth oidc and neither kubectl-mcp\.dev\/oidc-audience nor public-url\n {4}a token must be for https:\/\/everything\.demo\.mcp\.kubectl-mcp\.dev/,
    breakIt: (values) => {
      annotate(values, 'auth', 'oidc');
      annotate(values, 'oidc-issuer', 'https://id.example.com');
    },
  },
  {
    code: 'MCP705',
    when: 'no tool is left',
    says: /the filter leaves none of 1 tools\n {4}deny-tools: \*/,
    breakIt: (values) => {
      annotate(values, 'deny-tools', '*');
      healthOf(values).servers = [
        { name: 'everything', connected: true, tools: [{ name: 'echo', allowed: false }] },
      ];
    },
  },
  {
    code: 'MCP705',
    when: 'a pattern matches no tool',
    says: /"ehco\*" in allow-tools matches no tool\n {4}the server has: echo, get-env/,
    breakIt: (values) => annotate(values, 'allow-tools', 'get-*, ehco*'),
  },
  {
    code: 'MCP705',
    when: 'a pattern of the policy matches no tool',
    says: /"get_\*" in tools\.deny of ConfigMap rules matches no tool\n {4}the server has: echo, get-env/,
    breakIt: (values) =>
      policy(values, {
        keys: ['policy.yaml'],
        contentFaults: [],
        toolPatterns: [
          { where: 'tools.allow', glob: 'e*' },
          { where: 'tools.deny', glob: 'get_*' },
        ],
      }),
  },
  {
    code: 'MCP710',
    when: 'there are no pins',
    says: /ConfigMap weather-mcp-pins in namespace demo does not exist[^]*fix: kubectl mcp pin NAME/,
    breakIt: (values) => {
      annotate(values, 'pins', 'weather-mcp-pins');
      values.configMaps['pins demo/weather-mcp-pins'] = null;
    },
  },
  {
    code: 'MCP710',
    when: 'the pins cannot be read',
    says: /ConfigMap weather-mcp-pins in namespace demo holds no pins in pins\.json\n {4}version: 2/,
    breakIt: (values) => {
      annotate(values, 'pins', 'weather-mcp-pins');
      values.configMaps['pins demo/weather-mcp-pins'] = {
        keys: ['pins.json'],
        contentFaults: ['version: 2: Invalid input'],
      };
    },
  },
  {
    code: 'MCP730',
    when: 'a tool has changed under the same image',
    says: /2 tools differ from the pins, under the same image\n {4}echo: changed \(description\)\n {4}now: renamed from get-env/,
    breakIt: (values) => pinned(values, true),
  },
  {
    code: 'MCP731',
    when: 'an update has other tools',
    says: /2 tools of another image wait for an approval/,
    breakIt: (values) => pinned(values, false),
    outcome: 'warning',
  },
  {
    code: 'MCP732',
    when: 'a description has characters that nobody sees',
    says: /1 tool with hidden or look-alike characters\n {4}tool "echo": description has U\+200B, which is not seen/,
    breakIt: (values) => {
      Object.assign(values.health['demo/everything-6f-1']!, {
        flagged: [{ tool: 'echo', where: 'description', what: 'has U+200B, which is not seen' }],
      });
    },
    outcome: 'warning',
  },
  {
    code: 'MCP801',
    when: 'no Service selects the pods',
    says: /no Service leads to the proxy of deployment\.apps\/everything in namespace demo\n {4}no Service selects its pods/,
    breakIt: (values) => (values.services = []),
  },
  {
    code: 'MCP801',
    when: 'the Service has other ports alone',
    says: /service\/everything select its pods, on other ports than 7410/,
    breakIt: (values) => (values.services[0]!.spec!.ports![0]!.targetPort = 9090),
  },
  {
    code: 'MCP802',
    when: 'no pod is ready',
    says: /service\/everything in namespace demo has no ready endpoint\n {4}no pod of deployment/,
    breakIt: (values) => (values.endpoints[0]!.endpoints![0]!.conditions!.ready = false),
  },
  {
    code: 'MCP609',
    when: 'the network enforces no policy',
    says: /the server's own port answers other pods: this network enforces no NetworkPolicy/,
    breakIt: (values) => (values.dials['demo/Deployment/everything']!.serverOpen = true),
  },
  {
    code: 'MCP609',
    when: 'there is no policy',
    says: /answers other pods: no NetworkPolicy closes it\n.*\n {4}fix: kubectl mcp enable deployment\/everything -n demo/,
    breakIt: (values) => {
      values.policies = [];
      values.dials['demo/Deployment/everything']!.serverOpen = true;
    },
  },
  {
    code: 'MCP609',
    when: 'the server does not listen on the loopback as it is told',
    says: /answers other pods: it does not listen on the loopback alone\n.*took a connection.*\n.*\n {4}fix: .*loopback-env/,
    breakIt: (values) => {
      annotate(values, 'lockdown', 'loopback');
      values.dials['demo/Deployment/everything']!.serverOpen = true;
    },
  },
  {
    code: 'MCP609',
    when: 'the port is left open on purpose',
    says: /answers other pods: nothing is to close it\n.*\n {4}lockdown is "none"\n/,
    breakIt: (values) => {
      annotate(values, 'lockdown', 'none');
      values.dials['demo/Deployment/everything']!.serverOpen = true;
    },
  },
  {
    code: 'MCP609',
    when: 'another policy admits the port',
    says: /a NetworkPolicy admits it\n.*\n {4}networkpolicy\/all admits port 3001/,
    breakIt: (values) => {
      values.policies.push({
        metadata: { name: 'all', namespace: 'demo' },
        spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] },
      });
      values.dials['demo/Deployment/everything']!.serverOpen = true;
    },
  },
  {
    code: 'MCP609',
    when: 'the probe reaches nothing at all',
    says: /whether port 3001 is closed is not known\n.*reached not even the proxy/,
    breakIt: (values) => (values.dials['demo/Deployment/everything']!.sidecarOpen = false),
  },
];
