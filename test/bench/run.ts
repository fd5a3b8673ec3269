/**
 * The bench: MCP calls through the sidecar and through nginx, round by round in turn, and what each call cost.
 *
 * The proxy has one core and the load side the other. The figure to trust is processor time per call; rates and
 * latencies suffer from neighbours.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { homedir, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { buildBundles } from '../../manifests/build.ts';
import { writeCompileCache } from '../../manifests/compile-cache.ts';
import { NODE_FLAGS } from '../../webhook/container.ts';
import { freePorts } from '../conformance/ports.ts';
import { kubernetesKind, tlsKind, tokenKind } from './kinds.ts';
import { benchPasses } from './passes/run.ts';
import { memoryMb } from './process.ts';
import { profile } from './profile.ts';
import { report } from './report.ts';
import { coldStarts, round, startTarget, stopChild } from './rounds.ts';
import type { Lane, RoundOptions, Running } from './rounds.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Results } from './scenarios.ts';
import { LOAD_CORE, buildGo, installNginx, start } from './setup.ts';
import { benchStdio } from './stdio/run.ts';
import { nginx, sidecar } from './targets.ts';
import type { SidecarKind, Target } from './targets.ts';
import { verifyAudited, verifyProtects } from './verify.ts';

const USAGE = `Usage: npm run bench -- [--quick] [--json FILE] [--profile] [--stdio] [--passes] [--rounds N] [--seconds N] [--node-flag=FLAG]...
  --quick       two short rounds: a look, not a figure
  --json FILE   write every round
  --profile     show where the sidecar's time goes, from its source, instead of the figures
  --stdio       a server of stdio instead, through the sidecar and the bridges of others
  --passes      what each thing that a sidecar can be told to do costs per call
  --node-flag   a flag for the sidecar's node (repeatable)`;
/** As the webhook starts it in a container of 128 MiB. */
const FLAGS = [...NODE_FLAGS, '--max-old-space-size=64'];
const BUNDLE = resolve(import.meta.dirname, '../../dist/sidecar.cjs');
const SOURCE = resolve(import.meta.dirname, '../../sidecar/main.ts');

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    profile: { type: 'boolean', default: false },
    stdio: { type: 'boolean', default: false },
    passes: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'node-flag': { type: 'string', multiple: true, default: FLAGS },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-bench-'));
  const stops: (() => Promise<void>)[] = [() => Promise.resolve(rmSync(directory, { recursive: true }))];
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.splice(0)) await stop();
  };
  // Without these, Ctrl-C or a reader that leaves would leave the servers behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stopAll().then(() => process.exit(1)));
  }
  process.stdout.on('error', () => undefined);
  try {
    const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kubectl-mcp', 'bench');
    const load = buildGo(join(import.meta.dirname, 'load'), join(cache, 'load'));
    if (options.stdio) {
      const seconds = Number(options.seconds ?? (options.quick ? 1 : 3));
      const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
      const command = [...options['node-flag'], BUNDLE];
      const loadBefore = loadavg()[0]!;
      const { text, results } = await benchStdio({
        load,
        seconds,
        rounds,
        sidecar: command,
        directory,
        stops,
      });
      console.log(`${text}\n\n${neighbours(loadBefore)}`);
      if (options.json) writeFileSync(options.json, `${JSON.stringify(results)}\n`);
      return;
    }
    installNginx();
    const backend = start(LOAD_CORE, [load, 'backend']);
    stops.unshift(() => stopChild(backend));
    const [line] = await once(backend.stdout!, 'data');
    const upstreamPort = Number(String(line).trim().split(':').at(-1));
    const token = 'bench-0123456789abcdef0123456789abcdef';
    const rounds = { load, seconds: Number(options.seconds ?? (options.quick ? 0.5 : 2)) };
    const setUp = async (kind: SidecarKind, argument: string[]): Promise<Target> => {
      const ports = (await freePorts(2)) as [number, number];
      return sidecar({ upstreamPort, ports }, kind, [...options['node-flag'], ...argument]);
    };
    if (options.passes) {
      const loadBefore = loadavg()[0]!;
      const { text, results } = await benchPasses({
        load,
        upstreamPort,
        seconds: Number(options.seconds ?? (options.quick ? 0.5 : 1)),
        rounds: Number(options.rounds ?? (options.quick ? 2 : 7)),
        sidecar: [...options['node-flag'], BUNDLE],
        directory,
        stops,
      });
      console.log(`${text}\n\n${neighbours(loadBefore)}`);
      if (options.json) writeFileSync(options.json, `${JSON.stringify(results)}\n`);
      return;
    }
    if (options.profile) {
      const kind = tokenKind(directory, token);
      const ports = (await freePorts(2)) as [number, number];
      await profile(
        (argument) => sidecar({ upstreamPort, ports }, kind, [...options['node-flag'], ...argument]),
        SOURCE,
        directory,
        rounds,
      );
      return;
    }
    const ports = (await freePorts(2)) as [number, number];
    const targets = [nginx({ directory, token, upstreamPort, ports })];
    await buildBundles();
    await writeCompileCache(dirname(BUNDLE));
    const cluster = await kubernetesKind();
    stops.unshift(cluster.stop);
    for (const kind of [tokenKind(directory, token), cluster.kind, await tlsKind(directory, token)])
      targets.push(await setUp(kind, [BUNDLE]));
    const loadBefore = loadavg()[0]!;
    const direct = { name: 'direct', port: upstreamPort, token };
    const results = await measure(targets, direct, directory, rounds, stops);
    console.log(`${report(results)}\n\n${neighbours(loadBefore)}`);
    if (options.json) writeFileSync(options.json, `${JSON.stringify(results)}\n`);
  } finally {
    await stopAll();
  }
}

/** Other processes that wanted a core when the bench began: figures from a busy machine are no figures. */
function neighbours(before: number): string {
  const remark = before > 0.7 ? ' (busy: read the ratios with care)' : '';
  return `load average of the machine before the first round: ${before.toFixed(1)}${remark}`;
}

async function measure(
  targets: Target[],
  direct: Lane & { name: string },
  directory: string,
  settings: RoundOptions,
  stops: (() => Promise<void>)[],
): Promise<Results> {
  const results: Results = { direct: { rounds: {}, coldMs: [0], idleMb: 0, peakMb: 0 } };
  const running: Running[] = [];
  for (const target of targets) {
    const coldMs = await coldStarts(settings.load, target, options.quick ? 3 : 9);
    const started = await startTarget(target, directory);
    stops.unshift(started.stop);
    running.push(started);
    // Idle is what a pod has that nobody calls: started, its server's tools listed.
    await sleep(2000);
    results[target.name] = { rounds: {}, coldMs, idleMb: memoryMb(started.pid).resident, peakMb: 0 };
    if (target.name === 'sidecar') await verifyProtects(started);
  }
  const allLanes: (Lane & Pick<Target, 'name' | 'scenarios'>)[] = [direct, ...running];
  const count = Number(options.rounds ?? (options.quick ? 2 : 7));
  for (const scenario of SCENARIOS) {
    const lanes = allLanes.filter(({ scenarios }) => scenarios?.includes(scenario.key) ?? true);
    for (const lane of lanes) {
      await round(scenario, lane, { ...settings, seconds: Math.min(1, settings.seconds) });
      results[lane.name]!.rounds[scenario.key] = [];
    }
    for (let index = 0; index < count; index++) {
      for (const lane of lanes) {
        results[lane.name]!.rounds[scenario.key]!.push(await round(scenario, lane, settings));
      }
    }
    console.error(`bench: ${scenario.title}: ${count} rounds`);
  }
  for (const each of running) {
    results[each.name]!.peakMb = memoryMb(each.pid).peak;
    await each.stop();
    if (each.name === 'sidecar') verifyAudited(each, results.sidecar!, directory);
  }
  return results;
}
