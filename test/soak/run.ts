/**
 * The soak: clients that open sessions and streams and drop them without a word, many thousands of each, and streams
 * that are held open by the thousand. Afterwards the sidecar must be what it was before.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundles } from '../../manifests/build.ts';
import type { Finding } from './judge.ts';
import { heldPart, rudePart, type PartResult } from './parts.ts';
import { plot, type Panel } from './plot.ts';
import {
  startServer,
  startSidecar,
  type SidecarSettings,
  type SoakServer,
  type SoakSidecar,
} from './processes.ts';
import type { Sample } from './sample.ts';

const USAGE = `Usage: node test/soak/run.ts [--sessions N] [--streams N] [--held N] [--quick] [--plots DIRECTORY] [--bundle FILE]
  --sessions N   sessions opened and dropped (100000)
  --streams N    streams opened and dropped (10000)
  --held N       idle streams held at once (5000)
  --quick        a fiftieth of it all: does it run?
  --plots DIR    write soak-rude.svg and soak-held.svg
  --bundle FILE  a sidecar other than the one that is built now`;
/** By docs/operations.md, "Resources": what 5,000 streams need. */
const HELD_MEMORY_MIB = 256;

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '100000' },
    streams: { type: 'string', default: '10000' },
    held: { type: 'string', default: '5000' },
    quick: { type: 'boolean', default: false },
    plots: { type: 'string' },
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
  const [sessions, streams, held] = [options.sessions, options.streams, options.held].map((each) =>
    Math.round(Number(each) * share),
  ) as [number, number, number];
  const findings: Finding[] = [
    ...(await part('rude', { memoryMib: 128 }, (server, sidecar) =>
      rudePart(server, sidecar, { sessions, streams, warmUp: share }),
    )),
    ...(await part('held', { memoryMib: HELD_MEMORY_MIB, limits: roomFor(held) }, (server, sidecar) =>
      heldPart(server, sidecar, held),
    )),
  ];
  console.log(table(findings));
  process.exitCode = findings.every(({ ok }) => ok) ? 0 : 1;
}

/** A part with a server and a sidecar of its own; both are ended whatever comes. */
async function part(
  name: 'rude' | 'held',
  settings: SidecarSettings,
  run: (server: SoakServer, sidecar: SoakSidecar) => Promise<PartResult>,
): Promise<readonly Finding[]> {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-soak-'));
  const server = await startServer();
  let sidecar: SoakSidecar | undefined;
  try {
    sidecar = await startSidecar(directory, server.port, { ...settings, bundle: options.bundle });
    const { samples, findings } = await run(server, sidecar);
    draw(name, samples);
    return findings;
  } finally {
    await sidecar?.stop();
    await server.stop();
    rmSync(directory, { recursive: true });
  }
}

function draw(name: string, samples: readonly Sample[]): void {
  if (options.plots)
    writeFileSync(join(options.plots, `soak-${name}.svg`), plot(samples, [MEMORY, DESCRIPTORS]));
}

function roomFor(streams: number): SidecarSettings['limits'] {
  const most = streams + 1_000;
  return { streams: most, streamsPerPrincipal: most, connections: most };
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
