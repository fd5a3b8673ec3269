/** Whether the servers' own ports answer another pod, after all that should have closed them: dialled, not believed. */
import { dialServers } from '../doctor/dial.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { readPods, readWorkload } from './read.ts';
import type { WaitOptions } from './wait-for-pods.ts';
import { objectName, serversIn, type Workload } from './workload.ts';
import { portsOf } from '../../webhook/target.ts';

/**
 * @returns why it is not known, where that is so: who may not create pods cannot dial.
 * @throws {CliError} when a server on the loopback still answers at the pod's address.
 */
export async function dialClosed(
  cluster: Cluster,
  { kind, metadata }: Workload,
  { signal, progress }: WaitOptions,
): Promise<string | undefined> {
  const ref = { kind, name: metadata.name };
  const [workload, pods] = await Promise.all([readWorkload(cluster, ref), readPods(cluster)]);
  const update = (text: string): void => progress.update(`${text}...`);
  const read = await dialServers(
    cluster,
    { workloads: { value: [workload] }, pods: { value: pods } },
    { signal, update },
  );
  progress.end();
  if ('unknown' in read) return read.unknown;
  const dials = Object.values(read.value);
  const open = dials.find((each) => each.serverOpen);
  if (open) throw new CliError(stillOpen(workload, open.pod));
  const unknown = dials.find((each) => each.serverOpen === undefined);
  if (unknown) return unknown.fault ?? 'the dial told nothing';
  return dials.every((each) => each.sidecarOpen)
    ? undefined
    : `the pod that dialled reached not even the proxy of ${dials[0]?.pod}`;
}

function stillOpen(workload: Workload, pod: string): string {
  const ports = portsOf(serversIn(workload.spec.template));
  return (
    `${objectName(workload)}: port ${ports.join(' or ')} of pod ${pod} answers other pods: the server does not listen on the loopback alone\n` +
    'Tell it its address as its documentation says (--loopback-env NAME=127.0.0.1, --loopback-args "--host 127.0.0.1"); a server that cannot be told needs --lockdown network-policy'
  );
}
