/** `npm run cluster -- up | down | status | kubeconfig | load IMAGE.tar`. */
import { spawnSync } from 'node:child_process';
import { importImage } from './containerd.ts';
import { layoutOf, LOCK_FILE } from './layout.ts';
import type { Layout } from './layout.ts';
import { otherCluster } from './processes.ts';
import { step } from './progress.ts';
import { removeRemains, thereAreRemains } from './remains.ts';
import { status } from './status.ts';
import { isUp, up } from './up.ts';

const USAGE = 'usage: npm run cluster -- up | down | status | kubeconfig | load IMAGE.tar';
const LOCKED_ENV = 'KUBECTL_MCP_CLUSTER_LOCKED';

const VERBS: Readonly<Record<string, (layout: Layout, args: readonly string[]) => Promise<number>>> = {
  up: (layout) =>
    oneAtATime(layout, async () => {
      const started = Date.now();
      await up(layout);
      console.error(`cluster up (${((Date.now() - started) / 1000).toFixed(1)}s)`);
    }),
  down: (layout) =>
    oneAtATime(layout, async () => {
      if (await thereAreRemains(layout)) await step('taking the cluster down', () => removeRemains(layout));
      console.error('cluster down');
    }),
  async status(layout) {
    const { lines, healthy } = await status(layout);
    console.log(lines.join('\n'));
    return healthy ? 0 : 1;
  },
  async kubeconfig(layout) {
    console.log(layout.kubeconfig);
    return 0;
  },
  async load(layout, [archive]) {
    if (archive === undefined) throw new Error(USAGE);
    if (!(await isUp(layout))) throw new Error('the cluster is not up: npm run cluster -- up');
    console.log(await importImage(layout, archive));
    return 0;
  },
};

/** A second run waits for the first, by running itself under flock(1), which lets go when it is killed. */
async function oneAtATime(layout: Layout, work: () => Promise<void>): Promise<number> {
  if (process.env[LOCKED_ENV] === undefined) {
    const locked = ['--close', LOCK_FILE, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
    const env = { ...process.env, [LOCKED_ENV]: '1' };
    return spawnSync('flock', locked, { stdio: 'inherit', env }).status ?? 1;
  }
  delete process.env[LOCKED_ENV]; // Not for the daemons.
  const other = await otherCluster(layout);
  if (other !== undefined) throw new Error(`another cluster runs from ${other}: take that one down first`);
  await work();
  return 0;
}

async function main(): Promise<number> {
  const [verb = '', ...args] = process.argv.slice(2);
  const work = VERBS[verb];
  if (work === undefined) {
    console.error(USAGE);
    return 2;
  }
  if (process.getuid?.() !== 0 && verb !== 'kubeconfig')
    throw new Error('the cluster needs root: it makes network links, mounts and cgroups');
  return work(layoutOf(process.env), args);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
