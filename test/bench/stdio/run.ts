/** `npm run bench -- --stdio`: calls to a server of stdio through the sidecar and through the bridges of others, in turn. */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildBundles } from '../../../manifests/build.ts';
import { writeCompileCache } from '../../../manifests/compile-cache.ts';
import { freePorts } from '../../conformance/ports.ts';
import { tree } from '../process.ts';
import { round, startTarget } from '../rounds.ts';
import type { RoundOptions, Running } from '../rounds.ts';
import type { Scenario } from '../scenarios.ts';
import type { Target } from '../targets.ts';
import { bursts } from './burst.ts';
import { report } from './report.ts';
import { SCENARIOS } from './scenarios.ts';
import type { StdioResults } from './scenarios.ts';
import { notServer, OURS, ours, peers } from './targets.ts';
import { verifyAudited, verifyProtects } from './verify.ts';

export interface StdioBench extends RoundOptions {
  readonly rounds: number;
  /** Node's flags and the bundle. */
  readonly sidecar: readonly string[];
  /** Of this run alone. */
  readonly directory: string;
  readonly stops: (() => Promise<void>)[];
}

const TOKEN = 'bench-0123456789abcdef0123456789abcdef';

/** @returns the tables, and what they are made of */
export async function benchStdio(bench: StdioBench): Promise<{ text: string; results: StdioResults }> {
  const { load, directory, stops, sidecar } = bench;
  await buildBundles();
  await writeCompileCache(dirname(sidecar.at(-1)!));
  const ports = (await freePorts(5)) as [number, number, number, number, number];
  const place = { directory, token: TOKEN, ports: [ports[0], ports[1]] as const };
  const targets = [
    ours(place, load, [process.execPath, ...sidecar]),
    ...peers(load, [ports[2], ports[3], ports[4]]),
  ];
  const results: StdioResults = {};
  const running: Running[] = [];
  for (const target of targets) {
    const each = await started(target, directory);
    stops.unshift(each.stop);
    running.push(each);
    results[target.name] = { rounds: {}, burst: '' };
    if (target.name === OURS) await verifyProtects(target);
  }
  // Python answers on its port before it has its server.
  await sleep(2000);
  for (const scenario of SCENARIOS) await measure(scenario, running, results, bench);
  for (const each of running) {
    results[each.name]!.burst = await bursts(each).catch((error: Error) => `failed: ${oneLine(error)}`);
    await each.stop();
    if (each.name === OURS) verifyAudited(each, results[OURS]!, directory);
  }
  return { text: report(results), results };
}

async function measure(
  scenario: Scenario,
  running: readonly Running[],
  results: StdioResults,
  { load, seconds, rounds }: StdioBench,
): Promise<void> {
  const lanes = running.map((each) => ({ ...each, counted: notServer(load) }));
  for (let index = -1; index < rounds; index++) {
    for (const lane of lanes) {
      const mine = results[lane.name]!.rounds;
      const before = mine[scenario.key] ?? [];
      if (typeof before === 'string') continue;
      try {
        const one = await round(scenario, lane, { load, seconds: index < 0 ? 1 : seconds });
        // The first one warms up.
        mine[scenario.key] = index < 0 ? [] : [...before, one];
      } catch (error) {
        mine[scenario.key] = `failed: ${oneLine(error as Error)}`;
        if (lane.name === OURS) throw error;
      }
    }
  }
  console.error(`bench: ${scenario.title}: ${rounds} rounds`);
}

/** What it has started itself ends with it. */
async function started(target: Target, directory: string): Promise<Running> {
  const running = await startTarget(target, directory);
  return {
    ...running,
    async stop() {
      const left = tree(running.pid).slice(1);
      await running.stop();
      for (const pid of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {}
      }
    },
  };
}

const oneLine = ({ message }: Error): string => message.split('\n')[0]!.slice(0, 120).replaceAll('|', '/');
