/** Starts processes in the server's own container, through the supervisor that is its first process. */
import { closeSync } from 'node:fs';
import type { Log } from '../../../log.ts';
import { UpstreamError } from '../../upstream-error.ts';
import type { Launcher } from '../launcher.ts';
import { awaitProcess, type Launching } from './launching.ts';
import { openDirectory } from './open-pipe.ts';
import { linkSupervisor } from './supervisor-link.ts';
import { startWord } from './words.ts';

/** Where the server's container has it, whatever the sidecar's own path is. */
const SERVERS_RUN_DIRECTORY = '/run/kubectl-mcp';
/** Longer than a supervisor takes to end a process in all ways. */
const CLOSE_MS = 12_000;

export interface PipesOptions {
  readonly runDirectory: string;
  /** For the supervisor to be there, and again for it to start a process. */
  readonly startTimeoutMs: number;
  readonly log: Log;
  readonly serversRunDirectory?: string;
}

export interface PipesLauncher extends Launcher {
  /** Of the server's container, once its supervisor has told; 0 when it has none. */
  readonly memoryLimitBytes?: number;
}

/** @throws when there is no such directory: the volume is not mounted */
export function createPipesLauncher(options: PipesOptions): PipesLauncher {
  const { startTimeoutMs, log, serversRunDirectory = SERVERS_RUN_DIRECTORY } = options;
  const run = openDirectory(options.runDirectory);
  const all = new Map<string, Launching>();
  let memoryLimitBytes = 0;
  let closing = false;
  let emptied: (() => void) | undefined;
  const link = linkSupervisor(
    run,
    {
      word(said) {
        if (said.verb === 'ready') memoryLimitBytes = said.memoryBytes;
        else all.get(said.id)?.word(said);
      },
      lost() {
        for (const each of all.values()) each.lost();
      },
    },
    log,
  );

  return {
    async launch({ id, env }, events) {
      const { epoch } = await link.ready(startTimeoutMs);
      if (closing) throw new UpstreamError('the sidecar is ending', 'refused');
      if (all.has(id)) throw new UpstreamError(`there is a process ${id}`, 'refused');
      const replaced = Object.entries(env).map(([name, value]) => [
        name,
        value.replaceAll('{session-dir}', `${serversRunDirectory}/${id}`),
      ]);
      const start = startWord(epoch, id, Object.fromEntries(replaced));
      const launching = awaitProcess(
        {
          run,
          id,
          log,
          timeoutMs: startTimeoutMs,
          ask(verb) {
            if (link.epoch === epoch) link.send(`${verb} ${epoch} ${id}`);
          },
          over() {
            all.delete(id);
            if (all.size === 0) emptied?.();
          },
        },
        events,
      );
      all.set(id, launching);
      link.send(start);
      return launching.process;
    },
    get memoryLimitBytes() {
      return memoryLimitBytes;
    },
    async close() {
      if (closing) return;
      closing = true;
      for (const each of all.values()) each.stop();
      if (all.size > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        emptied = resolve;
        const late = setTimeout(resolve, CLOSE_MS);
        await promise;
        clearTimeout(late);
      }
      link.close();
      closeSync(run);
    },
  };
}
