/** `RUDE_SESSIONS` sessions end rudely, in every way in turn: nothing of them is left. */
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildGo } from '../bench/setup.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { descendants, remains, type Remains } from './remains.ts';
import { Unopened, WAYS, type Target } from './rude-ways.ts';
import { startSupervised, TOKEN, type Supervised } from './supervised-sidecar.ts';

const SESSIONS = Number(process.env['RUDE_SESSIONS'] ?? 60);
const LANES = 12;
/** Of the kinds that end all sessions at once. */
const KILLS = Math.max(2, Math.round(SESSIONS / 200));

const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-rude-'));
let supervised: Supervised;
let target: Target;

before(async () => {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kubectl-mcp', 'bench');
  const server = buildGo(join(import.meta.dirname, '..', 'bench', 'load'), join(cache, 'load'));
  const upstream = { idleSeconds: 1, maxProcesses: 100 };
  supervised = await startSupervised(directory, [server, 'stdio'], upstream);
  target = { host: '127.0.0.1', port: supervised.port, token: TOKEN };
});
after(async () => {
  await supervised?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const left = (): Remains => remains([supervised.supervisor(), supervised.sidecar()], supervised.runDirectory);

test(
  `${SESSIONS} sessions that end rudely leave no process, zombie, pipe or descriptor`,
  { timeout: 600_000 },
  async () => {
    await WAYS['no DELETE']!(target);
    await quiet();
    const atFirst = left();
    const ways = Object.entries(WAYS);
    const refused = new Map<string, number>();
    async function lane(turns: Iterable<number>): Promise<void> {
      for (const turn of turns) {
        const [name, way] = ways[turn % ways.length]!;
        await waitFor(name, () => opens(way, refused));
        // Servers, and what holds them.
        if (turn % 25 === 0)
          for (const { pid } of descendants([supervised.supervisor()]).slice(0, 3)) kill(pid);
      }
    }
    for (let part = 1; part <= KILLS; part++) {
      const share = (at: number): number => Math.floor((SESSIONS * at) / KILLS);
      // One iterator, of which each lane takes the next.
      const turns = Array.from(
        { length: share(part) - share(part - 1) },
        (_, at) => share(part - 1) + at,
      ).values();
      const lanes = Array.from({ length: LANES }, () => lane(turns));
      if (part < KILLS) {
        await sleep(100);
        await (part % 2 === 1 ? supervised.restartSidecar() : supervised.restartSupervisor());
      }
      await Promise.all(lanes);
    }
    await waitFor(`what was there at first, ${JSON.stringify(atFirst)}`, () => {
      const now = left();
      return (Object.keys(now) as (keyof Remains)[]).every((key) => now[key] <= atFirst[key]);
    }).catch((error: Error) => {
      throw new Error(`left: ${JSON.stringify(left())}, refused meanwhile: ${JSON.stringify([...refused])}`, {
        cause: error,
      });
    });
  },
);

/** All that is idle has been ended. */
async function quiet(): Promise<void> {
  for (let seen = '', now = JSON.stringify(left()); seen !== now; now = JSON.stringify(left())) {
    seen = now;
    await sleep(1_500);
  }
}

/** @returns false when the sidecar was full, or away */
async function opens(way: (target: Target) => Promise<void>, refused: Map<string, number>): Promise<boolean> {
  try {
    await way(target);
    return true;
  } catch (error) {
    if (!(error instanceof Unopened)) throw error;
    const said = error.message.split('\r\n')[0]!;
    refused.set(said, (refused.get(said) ?? 0) + 1);
    await sleep(100);
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
}
