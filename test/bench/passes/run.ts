/** `npm run bench -- --passes`: what each thing that a sidecar can be told to do costs per call, off and on. */
import { buildBundles } from '../../../manifests/build.ts';
import { writeCompileCache } from '../../../manifests/compile-cache.ts';
import { dirname } from 'node:path';
import { freePorts } from '../../conformance/ports.ts';
import { round, startTarget } from '../rounds.ts';
import type { RoundOptions, Running } from '../rounds.ts';
import { SCENARIOS, cpuPerCall, median } from '../scenarios.ts';
import type { Round } from '../scenarios.ts';
import { table } from '../report.ts';
import { sidecar } from '../targets.ts';
import { NOTHING, passKinds } from './kinds.ts';

export interface PassesBench extends RoundOptions {
  readonly rounds: number;
  readonly upstreamPort: number;
  /** Node's flags and the bundle. */
  readonly sidecar: readonly string[];
  /** Of this run alone. */
  readonly directory: string;
  readonly stops: (() => Promise<void>)[];
}

/** By scenario, by kind; the same index is the same moment for all kinds. */
type PassesResults = Record<string, Record<string, Round[]>>;

const KEYS = ['small', 'list'];
const TOKEN = 'bench-0123456789abcdef0123456789abcdef';

/** @returns the table, and what it is made of */
export async function benchPasses(bench: PassesBench): Promise<{ text: string; results: PassesResults }> {
  const { directory, upstreamPort, stops } = bench;
  await buildBundles();
  await writeCompileCache(dirname(bench.sidecar.at(-1)!));
  const { kinds, stop } = await passKinds(directory, TOKEN, await toolsOf(upstreamPort));
  stops.unshift(stop);
  const running: Running[] = [];
  for (const kind of kinds) {
    const ports = (await freePorts(2)) as [number, number];
    const target = sidecar({ upstreamPort, ports }, kind, [...bench.sidecar]);
    const started = await startTarget(target, directory);
    stops.unshift(started.stop);
    running.push(started);
  }
  const results: PassesResults = {};
  for (const key of KEYS) {
    const scenario = SCENARIOS.find((each) => each.key === key)!;
    const ofKinds = (results[key] = Object.fromEntries(running.map(({ name }) => [name, [] as Round[]])));
    for (let index = -1; index < bench.rounds; index++)
      for (const lane of running) {
        const measured = await round(scenario, lane, bench);
        // The first one warms up.
        if (index >= 0) ofKinds[lane.name]!.push(measured);
      }
    console.error(`bench: ${scenario.title}: ${bench.rounds} rounds`);
  }
  return { text: report(results), results };
}

async function toolsOf(port: number): Promise<object[]> {
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: '{"jsonrpc":"2.0","method":"tools/list","params":{},"id":1}',
  });
  return ((await response.json()) as { result: { tools: object[] } }).result.tools;
}

function report(results: PassesResults): string {
  const names = Object.keys(results[KEYS[0]!]!);
  const rows = names.map((name) => [
    name,
    ...KEYS.flatMap((key) => {
      const [ours, nothing] = [results[key]![name]!, results[key]![NOTHING]!];
      const more = median(ours.map((each, index) => cpuPerCall(each) - cpuPerCall(nothing[index]!)));
      return [median(ours.map(cpuPerCall)).toFixed(1), name === NOTHING ? '' : signed(more)];
    }),
  ]);
  return table(['told to do', 'small call, CPU µs', 'more', 'tools/list of 15 KB, CPU µs', 'more'], rows);
}

const signed = (value: number): string => (value < 0 ? '−' : '+') + Math.abs(value).toFixed(1);
