/** mcp-server-kubernetes with a real cluster behind it: in no form that it reads Secrets in does one get through. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../conformance/ports.ts';
import { npmPackages } from '../programs/built-once.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { isIn, PLANTED } from '../sidecar/mask/planted.ts';
import { postModern } from '../sidecar/wire/modern-meta.ts';
import { call, post } from '../sidecar/wire/post.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('mask-kubernetes');
const { kubectl: program, kubeconfig } = layoutOf(process.env);
const stringData = Object.fromEntries(PLANTED.map((value, at) => [`secret-${at}`, value]));
/** Applied, so that its annotation holds all of it, too. */
const SECRET = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'planted' },
  stringData,
});

const get = (output: string | undefined, more: object = {}): [string, object] => [
  'kubectl_get',
  { resourceType: 'secrets', namespace: NAMESPACE, ...(output === undefined ? {} : { output }), ...more },
];
const ONE = { resourceType: 'secret', name: 'planted' };
const generic = (...args: string[]): [string, object] => [
  'kubectl_generic',
  { command: 'get', resourceType: 'secret', name: 'planted', namespace: NAMESPACE, args },
];
const OPEN = { open: true } as const;
/** `open`: the server does tell them where nothing is masked. */
const READS: readonly { readonly what: string; readonly asks: [string, object]; readonly open?: true }[] = [
  ...['json', 'yaml', 'wide', 'name', 'custom'].map((each) => ({
    what: `a list, ${each}`,
    asks: get(each),
    ...(each === 'yaml' && OPEN),
  })),
  ...['json', 'yaml', 'wide', 'name', 'custom'].map((each) => ({
    what: `one, ${each}`,
    ...(/json|yaml/.test(each) && OPEN),
    asks: get(each, ONE),
  })),
  { what: 'one, as it is by default', asks: get(undefined, ONE) },
  { what: 'describe', asks: ['kubectl_describe', { ...ONE, namespace: NAMESPACE }] },
  { what: 'yaml of kubectl', asks: generic('-o', 'yaml'), open: true },
  { what: 'json of kubectl', asks: generic('-o', 'json'), open: true },
  { what: 'jsonpath of the data', asks: generic('-o', 'jsonpath={.data}'), open: true },
  { what: 'jsonpath of a value', asks: generic('-o', 'jsonpath={.data.secret-0}'), open: true },
  { what: 'custom-columns', asks: generic('-o', 'custom-columns=N:.metadata.name,D:.data'), open: true },
  {
    what: 'a go-template that decodes',
    asks: generic('-o', 'go-template={{range $k, $v := .data}}{{$v | base64decode}} {{end}}'),
    open: true,
  },
];

let server: ChildProcess;
let on: TestSidecar;
let off: TestSidecar;
const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-mask-'));

describe('mcp-server-kubernetes behind masking', { skip: noCluster, timeout: 180_000 }, () => {
  before(async () => {
    await createNamespace(NAMESPACE);
    await kubectl(['apply', '-n', NAMESPACE, '-f', '-'], { input: SECRET });
    const packages = npmPackages(join(import.meta.dirname, '../matrix/servers/npm'));
    const [port] = (await freePorts(1)) as [number];
    const entry = join(packages, 'node_modules', 'mcp-server-kubernetes', 'dist', 'index.js');
    server = spawn(process.execPath, [entry], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        PATH: `${dirname(program)}:${process.env['PATH']}`,
        HOME: directory,
        KUBECONFIG_PATH: kubeconfig,
        KUBECONFIG: kubeconfig,
        HOST: '127.0.0.1',
        PORT: String(port),
        ENABLE_UNSAFE_STREAMABLE_HTTP_TRANSPORT: '1',
        // It masks values of "data" by itself, in two forms of output.
        MASK_SECRETS: 'false',
      },
    });
    for await (const line of createInterface({ input: server.stdout! }))
      if (line.includes('is listening')) break;
    server.stdout!.resume();
    [on, off] = [
      await startSidecar({ upstreamPort: port, edge: { mask: 'default' } }),
      await startSidecar({ upstreamPort: port }),
    ];
    await untilHealth(on, 'healthy');
    await untilHealth(off, 'healthy');
  });
  after(async () => {
    await on?.stop();
    await off?.stop();
    server.kill();
    await once(server, 'exit');
    rmSync(directory, { recursive: true });
    await removeNamespace(NAMESPACE);
  });

  for (const { what, asks, open } of READS)
    test(`tells no secret: ${what}`, async () => {
      const [name, args] = asks;
      const { body, status } = await post(on.url, call(name, 1, args));
      assert.equal(status, 200, body);
      assert.deepEqual(told(body), [], body);
      const { body: modern } = await postModern(on.url, 'tools/call', { name, arguments: args });
      assert.deepEqual(told(modern), [], modern);
      if (open) assert.notEqual(told((await post(off.url, call(name, 1, args))).body).length, 0);
    });
});

const told = (body: string): string[] => PLANTED.filter((each) => isIn(body, each));
