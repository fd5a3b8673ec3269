/**
 * What the webhook costs a cluster: pods that did not ask for it, and 200 a second that did, on one core. Needs the
 * cluster and the webhook; nobody else should create pods meanwhile.
 */
import { parseArgs } from 'node:util';
import { startFakeNodes } from '../rig/fake-nodes.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from '../cluster/namespace.ts';
import { createApiClient } from './api-client.ts';
import { scaleWebhook } from './installation.ts';
import { annotated, annotatedForReal, unannotated } from './parts.ts';
import type { Place } from './parts.ts';
import { takePrecedence } from './precedence.ts';
import { tableOf } from './report.ts';
import type { Figure } from './report.ts';

const USAGE = `Usage: node test/scale/run.ts [--pods N] [--seconds N] [--rate N] [--real N] [--only PART] [--precedence]
  --pods N      pods without an annotation (5000)
  --seconds N   how long annotated pods are created by dry run (60)
  --rate N      of them a second (200)
  --real N      annotated pods that are really created (1000)
  --only PART   unannotated, annotated or real (repeatable)
  --precedence  over what else the machine does`;

const { values: options } = parseArgs({
  options: {
    pods: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '200' },
    real: { type: 'string', default: '1000' },
    only: { type: 'string', multiple: true },
    precedence: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const PARTS: Readonly<Record<string, { title: string; measure: (place: Place) => Promise<Figure[]> }>> = {
  unannotated: {
    title: 'Pods without an annotation',
    measure: (place) => unannotated(place, Number(options.pods)),
  },
  annotated: {
    title: `Annotated pods, ${options.rate} a second by dry run, one replica`,
    measure: (place) =>
      annotated(place, { perSecond: Number(options.rate), seconds: Number(options.seconds) }),
  },
  real: {
    title: 'Annotated pods that are created, 40 a second, one replica',
    measure: (place) => annotatedForReal(place, Number(options.real)),
  },
};

if (options.help) console.log(USAGE);
else process.exitCode = (await main()) ? 0 : 1;

async function main(): Promise<boolean> {
  const api = createApiClient();
  const fake = await startFakeNodes(10);
  const namespaces: string[] = [];
  const undo = options.precedence ? await takePrecedence() : () => undefined;
  let ok = true;
  try {
    await scaleWebhook(1);
    for (const [name, part] of Object.entries(PARTS)) {
      if (options.only && !options.only.includes(name)) continue;
      const namespace = namespaceName(`test-scale-${name}`);
      namespaces.push(namespace);
      await createNamespace(namespace);
      await accountIsThere(namespace);
      const figures = await part.measure({ api, namespace, nodes: fake.names });
      console.log(`${part.title}\n\n${tableOf(figures)}\n`);
      ok &&= figures.every((each) => each.ok !== false);
      await api.ask('DELETE', `/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0`);
    }
  } finally {
    undo();
    for (const each of namespaces) await removeNamespace(each);
    await fake.stop();
    await scaleWebhook(2);
    api.close();
  }
  return ok;
}

/** Pods are refused until the controller manager has made it. */
async function accountIsThere(namespace: string): Promise<void> {
  await kubectl(['-n', namespace, 'wait', 'serviceaccount/default', '--for=create', '--timeout=30s']);
}
