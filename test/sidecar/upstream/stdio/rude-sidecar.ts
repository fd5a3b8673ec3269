/** A sidecar that starts processes and waits to be killed: RUN_DIRECTORY, a count, and the manners in turn. */
import { createPipesLauncher } from '../../../../sidecar/upstream/stdio/pipes/pipes-launcher.ts';
import { launch } from './supervised.ts';

const [, , run = '', count = '0', ...manners] = process.argv;
const launcher = createPipesLauncher({
  runDirectory: run,
  serversRunDirectory: run,
  startTimeoutMs: 15_000,
  log: () => {},
});
await Promise.all(
  Array.from({ length: Number(count) }, async (_, index) => {
    const one = await launch(launcher, manners[index % manners.length] ?? 'well', {}, `k${process.pid}x`);
    await one.echo(`line ${index}`);
  }),
);
process.stdout.write('all started\n');
