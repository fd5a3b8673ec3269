/** Where the sidecar's time goes: one profiled round, its self times in groups that a person can act on. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { round, startTarget } from './rounds.ts';
import type { RoundOptions } from './rounds.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Target } from './targets.ts';

interface CpuProfile {
  nodes: { id: number; callFrame: Frame }[];
  samples: number[];
  timeDeltas: number[];
}

interface Frame {
  functionName: string;
  url: string;
  lineNumber?: number;
}

const ROWS = 30;

/** The first that matches names the group. */
const GROUPS: [name: string, matches: (frame: Frame) => boolean][] = [
  ['idle', ({ functionName }) => functionName === '(idle)'],
  ['garbage collector', ({ functionName }) => functionName === '(garbage collector)'],
  ['kernel and libuv: reads, epoll, llhttp', ({ functionName }) => functionName === '(program)'],
  ['socket writes', ({ functionName, url }) => !url && /^(write|shutdown)/.test(functionName)],
  ['JSON', ({ functionName, url }) => !url && /^(parse|stringify)$/.test(functionName)],
  ['other native functions', ({ url }) => !url],
  ['node: HTTP', ({ url }) => /^node:(_http|internal\/http|http)/.test(url)],
  [
    'node: net and streams',
    ({ url }) => /^node:(net|stream|internal\/(stream|js_stream|streams)|internal\/stream_base)/.test(url),
  ],
  ['node: crypto', ({ url }) => /crypto/.test(url) && url.startsWith('node:')],
  ['node: timers', ({ url }) => /^node:(internal\/)?timers/.test(url)],
  ['node: the rest', ({ url }) => url.startsWith('node:')],
];

/** Self time in milliseconds by group; files of the sidecar are groups of their own. */
export const groupSelfTimes = (recorded: CpuProfile): Map<string, number> => selfTimes(recorded, groupOf);

function selfTimes(
  { nodes, samples, timeDeltas }: CpuProfile,
  nameOf: (frame: Frame) => string,
): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const sums = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id)!;
    sums.set(name, (sums.get(name) ?? 0) + timeDeltas[index]! / 1000);
  });
  return sums;
}

export async function profile(
  target: (nodeArguments: string[]) => Target,
  entry: string,
  directory: string,
  settings: RoundOptions,
): Promise<void> {
  const flags = ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=200'];
  const running = await startTarget(target([...flags, entry]), directory);
  const scenario = SCENARIOS[0]!;
  let calls = 0;
  try {
    calls = (await round(scenario, running, settings)).calls;
  } finally {
    await running.stop();
  }
  const file = readdirSync(directory).find((each) => each.endsWith('.cpuprofile'));
  if (!file) throw new Error('the sidecar wrote no profile: did it end by itself after SIGTERM?');
  const recorded: CpuProfile = JSON.parse(readFileSync(join(directory, file), 'utf8'));
  console.log(`${scenario.title}, ${calls} calls; start included; the profiler itself costs time`);
  print('self time', groupSelfTimes(recorded), calls);
  print('function', selfTimes(recorded, functionOf), calls);
}

function print(title: string, sums: Map<string, number>, calls: number): void {
  const busy = [...sums]
    .filter(([name]) => !name.includes('idle'))
    .toSorted((one, other) => other[1] - one[1]);
  const total = busy.reduce((sum, [, ms]) => sum + ms, 0);
  console.log(`\n| ${title} | % of busy | µs per call |\n| --- | --- | --- |`);
  for (const [name, ms] of busy.slice(0, ROWS)) {
    console.log(`| ${name} | ${((100 * ms) / total).toFixed(1)} | ${((1000 * ms) / calls).toFixed(2)} |`);
  }
}

function functionOf({ functionName, url, lineNumber = 0 }: Frame): string {
  const where = url.replace(/^.*\/(?=sidecar\/|node_modules\/)/, '');
  return `${functionName || '(anonymous)'}${where && ` ${where}:${lineNumber + 1}`}`;
}

function groupOf(frame: Frame): string {
  const known = GROUPS.find(([, matches]) => matches(frame));
  if (known) return known[0];
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(frame.url);
  return dependency ? dependency[1]! : frame.url.slice(frame.url.lastIndexOf('/sidecar/') + 1);
}
