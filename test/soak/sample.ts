/** What the kernel and the sidecar itself say of its resources, once a second. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { memoryMb } from '../bench/process.ts';

export interface Sample {
  readonly atS: number;
  readonly phase: string;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly descriptors: number;
  /** TCP connections of the two ports, as `/proc/net/tcp` has them. */
  readonly established: number;
  readonly closeWait: number;
  readonly timeWait: number;
  /** The longest that the event loop was held since the last sample. */
  readonly loopDelayMs: number;
}

interface Told {
  readonly kind: 'each-second' | 'collected';
  readonly heapUsed: number;
  readonly external: number;
  readonly delayMs: number;
}

export interface Sampler {
  readonly samples: Sample[];
  phase: string;
  /** Collects garbage in the sidecar, then says what it holds. */
  collected(): Promise<Sample>;
}

const MB = 2 ** 20;

/** @param ports of the sidecar and of the server */
export function createSampler(child: ChildProcess, ports: readonly number[]): Sampler {
  const { pid } = child;
  if (pid === undefined) throw new Error('the process has not started');
  const startedMs = performance.now();
  const samples: Sample[] = [];
  let waiting: ((sample: Sample) => void) | undefined;
  const sampler: Sampler = {
    samples,
    phase: 'start',
    collected: () =>
      new Promise((resolve) => {
        waiting = resolve;
        child.send('collect');
      }),
  };
  child.on('message', (message) => {
    const told = message as Told;
    const sample: Sample = {
      atS: (performance.now() - startedMs) / 1000,
      phase: sampler.phase,
      rssMb: memoryMb(pid).resident,
      heapMb: told.heapUsed / MB,
      externalMb: told.external / MB,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      ...connections(ports),
      loopDelayMs: told.delayMs,
    };
    samples.push(sample);
    if (told.kind !== 'collected') return;
    waiting?.(sample);
    waiting = undefined;
  });
  return sampler;
}

const STATES = { '01': 'established', '06': 'timeWait', '08': 'closeWait' } as const;

/** Rows with a port of ours on either side: local address, remote address, state. */
function connections(ports: readonly number[]): Pick<Sample, 'established' | 'closeWait' | 'timeWait'> {
  const count = { established: 0, closeWait: 0, timeWait: 0 };
  const ours = ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0')).join('|');
  const state = '(0[168]) ';
  const row = new RegExp(`:(?:${ours}) [0-9A-F]+:[0-9A-F]{4} ${state}|[0-9A-F]+:(?:${ours}) ${state}`, 'g');
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const [, one, other] of readFileSync(file, 'latin1').matchAll(row))
      count[STATES[(one ?? other) as keyof typeof STATES]]++;
  }
  return count;
}
