/** As much of an API server as installing needs: it keeps objects whole, by path, and says what each write left. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { installObjects } from '../../plugin/install/manifest.ts';

export interface StatefulApi {
  readonly url: string;
  readonly objects: Map<string, KubernetesObject>;
  /** `PATCH kubectl-mcp-canary`, in order. */
  readonly writes: string[];
}

const ADMISSION = 'admissionregistration.k8s.io/v1';
const pluralOf = (kind: string): string => `${kind.toLowerCase().replace(/y$/, 'ie')}s`;

/** @param afterWrite sees the objects after each write, and what was written. */
export async function startStatefulApi(
  t: TestContext,
  afterWrite: (objects: Map<string, KubernetesObject>, write: string) => void = () => {},
): Promise<StatefulApi> {
  const objects = new Map<string, KubernetesObject>();
  const writes: string[] = [];
  let version = 0;
  const server = createServer(async (request, response) => {
    const { pathname: path, searchParams } = new URL(request.url ?? '', 'http://x');
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const say = (code: number, body: unknown): void =>
      void response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const missing = (): void =>
      say(404, { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404, message: path });
    if (path.startsWith('/version')) return say(200, { major: '1', minor: '34', gitVersion: 'v1.34.0' });
    const found = objects.get(path);
    const write = `${request.method} ${path.split('/').slice(-2).join('/')}`;
    if (request.method === 'PATCH') {
      const sent = JSON.parse(text) as KubernetesObject;
      const metadata = { ...found?.metadata, ...sent.metadata, resourceVersion: String(++version) };
      // Objects are written whole here: what an apply leaves out would be gone, and is nothing that is looked at.
      objects.set(path, { ...found, ...sent, metadata });
      say(found ? 200 : 201, objects.get(path));
    } else if (request.method === 'DELETE') {
      if (!objects.delete(path)) return missing();
      say(200, { kind: 'Status', status: 'Success' });
    } else if (found) return say(200, withStatus(found));
    else {
      const discovered = discovery(path) ?? list(path, searchParams.get('labelSelector') ?? '');
      return discovered ? say(200, discovered) : missing();
    }
    writes.push(write);
    afterWrite(objects, write);
    return undefined;
  });

  function list(path: string, labelSelector: string): object | undefined {
    if (!/^[a-z]/.test(path.split('/').at(-1) ?? '')) return undefined;
    const [key = '', value] = labelSelector.split('=');
    const items = [...objects]
      .filter(([each]) => each.startsWith(`${path}/`) && !each.slice(path.length + 1).includes('/'))
      .map(([, each]) => each)
      .filter(({ metadata }) => {
        const label = metadata?.labels?.[key];
        return key === '' || (value === undefined ? label !== undefined : label === value);
      });
    const isKnown =
      items.length > 0 || /(configurations|namespaces|deployments|sets|pods|events)$/.test(path);
    return isKnown ? { items } : undefined;
  }

  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, objects, writes };
}

/** Every Deployment is up, and every configuration has its CA, by the time it is looked at. */
function withStatus(object: KubernetesObject): object {
  if (object.kind === 'Deployment') {
    return { ...object, status: { observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2 } };
  }
  const { webhooks } = object as { webhooks?: { clientConfig: object }[] };
  if (!webhooks) return object;
  return {
    ...object,
    webhooks: webhooks.map((each) => ({ ...each, clientConfig: { ...each.clientConfig, caBundle: 'eA==' } })),
  };
}

function discovery(path: string): object | undefined {
  const [, groupVersion] = /^\/apis?\/([^?]+)$/.exec(path) ?? [];
  const known = [...installObjects('x'), { apiVersion: ADMISSION, kind: 'ValidatingWebhookConfiguration' }];
  const resources = known
    .filter(({ apiVersion }) => apiVersion === groupVersion)
    .map(({ kind = '', metadata }: KubernetesObject) => ({
      kind,
      name: pluralOf(kind),
      namespaced: metadata?.namespace !== undefined,
      singularName: '',
      verbs: [],
    }));
  return resources.length > 0 ? { kind: 'APIResourceList', groupVersion, resources } : undefined;
}
