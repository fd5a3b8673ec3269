/** What a server can do that plays the supervisor itself: it shares the run directory and its uid. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPipesLauncher } from '../../../../sidecar/upstream/stdio/pipes/pipes-launcher.ts';

export interface Forged {
  readonly run: string;
  readonly launcher: ReturnType<typeof createPipesLauncher>;
  readonly logged: readonly string[];
  readonly say: (line: string) => void;
  /** A session's directory with its pipes; what the server puts in their place comes afterwards. */
  readonly make: (id: string) => string;
}

type Context = { after: (clean: () => void | Promise<void>) => void };

/** @param start answers that word */
export function forgeSupervisor(
  t: Context,
  start: (forged: Forged, epoch: string, id: string) => void,
): Forged {
  const home = mkdtempSync(join(tmpdir(), 'forged-'));
  const run = join(home, 'run');
  mkdirSync(run);
  mkfifo(join(run, 'status'), join(run, 'control'));
  const both = constants.O_RDWR | constants.O_NONBLOCK;
  const status = openSync(join(run, 'status'), both);
  const control = new Socket({ fd: openSync(join(run, 'control'), both), readable: true, writable: false });
  const outside = new Socket({ fd: status, readable: false, writable: true });
  const logged: string[] = [];
  const launcher = createPipesLauncher({
    runDirectory: run,
    serversRunDirectory: run,
    startTimeoutMs: 3_000,
    log: (event, fields) => logged.push(JSON.stringify({ event, ...fields })),
  });
  const forged: Forged = {
    run,
    launcher,
    logged,
    say: (line) => outside.write(`${line}\n`),
    make(id) {
      const directory = join(run, id);
      mkdirSync(directory);
      mkfifo(...['in', 'out', 'err'].map((name) => join(directory, name)));
      // A keeper reads the one and holds the others, so that every open succeeds.
      for (const name of ['in', 'out', 'err']) held.push(openSync(join(directory, name), both));
      return directory;
    },
  };
  const held: number[] = [];
  let text = '';
  control.on('data', (bytes: Buffer) => {
    text += bytes;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const [verb, epoch = '', id = ''] = line.split(' ');
      if (verb === 'reset') forged.say(`ready ${epoch} 0`);
      if (verb === 'start') start(forged, epoch, id);
      if (verb === 'stop') forged.say(`exited ${epoch} ${id} code 0`);
    }
  });
  t.after(async () => {
    await launcher.close();
    control.destroy();
    outside.destroy();
    for (const each of held) closeSync(each);
    rmSync(home, { recursive: true, force: true });
  });
  return forged;
}

export function mkfifo(...paths: readonly string[]): void {
  execFileSync('mkfifo', paths);
}
