/**
 * The soak: clients that open sessions and streams and drop them without a word, many thousands of each, and streams
 * that are held open by the thousand. Afterwards the sidecar must be what it was before.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundles } from '../../manifests/build.ts';
import { createMemoryCgroup, type MemoryCgroup } from './cgroup.ts';
import type { Finding } from './judge.ts';
import { heldPart, limitsPart, rudePart, type PartResult } from './parts.ts';
import { plot, type Panel } from './plot.ts';
import {
  startServer,
  startSidecar,
  type SidecarSettings,
  type SoakServer,
  type SoakSidecar,
} from './processes.ts';
import type { Sample } from './sample.ts';
import { cutPart, parkedPart } from './translated.ts';
import { startAsking, startModern } from './translated-servers.ts';

const USAGE = `Usage: node test/soak/run.ts [--sessions N] [--streams N] [--held N] [--parked N] [--cut N] [--quick] [--plots DIRECTORY] [--only PART] [--bundle FILE]
  --sessions N   clients that open a session and drop it (117000: one in seven leaves before it has one)
  --streams N    streams opened and dropped (10000)
  --held N       idle streams held at once (5000)
  --parked N     calls parked for clients that leave, repeat or come back (30000)
  --cut N        translated sessions whose streams are cut (10000)
  --quick        a fiftieth of it all: does it run?
  --plots DIR    write soak-PART.svg
  --only PART    rude, held, limits, parked or cut (repeatable)
  --bundle FILE  a sidecar other than the one that is built now`;
/** The default of webhook/resources.ts. */
const CONTAINER_MIB = 128;
/** What 5,000 streams take by the formula in docs/operations.md, "Limits". */
const HELD_MIB = 320;

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '117000' },
    streams: { type: 'string', default: '10000' },
    held: { type: 'string', default: '5000' },
    parked: { type: 'string', default: '30000' },
    cut: { type: 'string', default: '10000' },
    quick: { type: 'boolean', default: false },
    plots: { type: 'string' },
    only: { type: 'string', multiple: true },
    bundle: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const MEMORY: Panel = {
  title: 'Memory',
  unit: 'MB',
  lines: [
    { name: 'resident', value: ({ rssMb }) => rssMb },
    { name: 'heap in use', value: ({ heapMb }) => heapMb },
  ],
};
const DESCRIPTORS: Panel = {
  title: 'Open descriptors of the sidecar',
  unit: 'number',
  lines: [{ name: 'descriptors', value: ({ descriptors }) => descriptors }],
};

if (options.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  if (!options.bundle) await buildBundles();
  const share = options.quick ? 0.02 : 1;
  const count = (of: string): number => Math.round(Number(of) * share);
  const [sessions, streams, held] = [count(options.sessions), count(options.streams), count(options.held)];
  const parts: Record<string, () => Promise<readonly Finding[]>> = {
    rude: () =>
      part('rude', { memoryMib: CONTAINER_MIB }, (server, sidecar) =>
        rudePart(server, sidecar, { sessions, streams, warmUp: share }),
      ),
    held: () =>
      part('held', { memoryMib: HELD_MIB, limits: roomFor(held) }, (server, sidecar) =>
        heldPart(server, sidecar, held),
      ),
    limits: () => part('limits', { memoryMib: CONTAINER_MIB }, limitsPart),
    parked: () =>
      part(
        'parked',
        { memoryMib: CONTAINER_MIB },
        (server, sidecar) => parkedPart(server, sidecar, count(options.parked), share),
        startAsking,
      ),
    cut: () =>
      part(
        'cut',
        { memoryMib: CONTAINER_MIB },
        (server, sidecar) => cutPart(server, sidecar, count(options.cut), share),
        startModern,
      ),
  };
  const findings: Finding[] = [];
  for (const name of options.only ?? Object.keys(parts)) findings.push(...((await parts[name]?.()) ?? []));
  console.log(table(findings));
  process.exitCode = findings.every(({ ok }) => ok) ? 0 : 1;
}

/** A part with a server and a sidecar of its own, in a container's cgroup where there can be one. */
async function part<Server extends SoakServer = SoakServer>(
  name: string,
  settings: SidecarSettings,
  run: (server: Server, sidecar: SoakSidecar, cgroup: MemoryCgroup | undefined) => Promise<PartResult>,
  start: () => Promise<Server> = startServer as () => Promise<never>,
): Promise<readonly Finding[]> {
  console.error(`soak: ${name}`);
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-soak-'));
  const cgroup = createMemoryCgroup(`kubectl-mcp-soak-${process.pid}-${name}`, settings.memoryMib);
  const server = await start();
  let sidecar: SoakSidecar | undefined;
  try {
    sidecar = await startSidecar(directory, server.port, {
      ...settings,
      launcher: cgroup?.launcher ?? [],
      bundle: options.bundle,
    });
    const { samples, findings } = await Promise.race([run(server, sidecar, cgroup), ended(sidecar, cgroup)]);
    draw(name, samples);
    return findings;
  } finally {
    await sidecar?.stop();
    await server.stop();
    cgroup?.remove();
    rmSync(directory, { recursive: true });
  }
}

/** Throws when the sidecar ends under its load. */
async function ended({ child, errors }: SoakSidecar, cgroup: MemoryCgroup | undefined): Promise<never> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  const kills = cgroup ? `, ${cgroup.oomKills()} kills for want of memory` : '';
  throw new Error(`the sidecar ended: ${signal ?? code}${kills}\n${errors.slice(-5).join('\n')}`);
}

function draw(name: string, samples: readonly Sample[]): void {
  if (options.plots)
    writeFileSync(join(options.plots, `soak-${name}.svg`), plot(samples, [MEMORY, DESCRIPTORS]));
}

function roomFor(streams: number): SidecarSettings['limits'] {
  return { streams: streams + 10, streamsPerPrincipal: streams + 10, connections: streams + 512 };
}

function table(findings: readonly Finding[]): string {
  const rows = findings.map(({ title, measured, allowed, ok }) => [
    title,
    measured,
    allowed,
    ok ? (allowed ? 'held' : '') : 'BROKEN',
  ]);
  return [['soak', 'measured', 'allowed', 'verdict'], ['---', '---', '---', '---'], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}
