/** One process from the word that asks for it to the word that it is gone. */
import type { Log } from '../../../log.ts';
import { UpstreamError } from '../../upstream-error.ts';
import type { LaunchedProcess, ProcessEvents } from '../launcher.ts';
import { openProcess, type PipedProcess } from './piped-process.ts';
import type { Word } from './words.ts';

interface LaunchingOptions {
  /** The run directory, held open. */
  readonly run: number;
  readonly id: string;
  readonly timeoutMs: number;
  ask(verb: 'run' | 'stop' | 'kill'): void;
  /** It is gone, or never came: its id is free. */
  over(): void;
  readonly log: Log;
}

export interface Launching {
  readonly process: Promise<LaunchedProcess>;
  word(said: Exclude<Word, { verb: 'ready' }>): void;
  lost(): void;
  stop(): void;
}

export function awaitProcess(options: LaunchingOptions, events: ProcessEvents): Launching {
  const { run, id, timeoutMs, ask, over, log } = options;
  const { promise, resolve, reject } = Promise.withResolvers<LaunchedProcess>();
  let opened: PipedProcess | undefined;
  let state: 'starting' | 'started' | 'failed' = 'starting';
  const late = setTimeout(
    () =>
      fail(
        new UpstreamError(`the server's supervisor started no process in ${timeoutMs / 1000} s`, 'timeout'),
      ),
    timeoutMs,
  );

  function fail(error: Error): void {
    if (state !== 'starting') return;
    state = 'failed';
    clearTimeout(late);
    ask('kill');
    reject(error);
    if (opened) opened.ended({});
    else over();
  }

  function succeed(): void {
    if (state !== 'starting' || !opened) return;
    state = 'started';
    clearTimeout(late);
    resolve(opened);
  }

  function open(): void {
    if (opened || state !== 'starting') return;
    const asking = { stop: () => ask('stop'), kill: () => ask('kill') };
    // Whoever has been told that nothing was started hears nothing of it.
    const heard: ProcessEvents = {
      stdout: (bytes) => state !== 'failed' && events.stdout(bytes),
      stderr: (line) => state !== 'failed' && events.stderr(line),
      exited(exit) {
        over();
        if (state !== 'failed') events.exited(exit);
      },
    };
    try {
      opened = openProcess(run, id, asking, heard);
      ask('run');
    } catch (error) {
      log('stdio_pipe_refused', { process: id, error: (error as Error).message });
      fail(new UpstreamError(`no pipes to the server's process: ${(error as Error).message}`, 'refused'));
    }
  }

  function word(said: Exclude<Word, { verb: 'ready' }>): void {
    if (said.verb === 'made') open();
    else if (said.verb === 'started') succeed();
    else if (said.verb === 'size') opened?.grown(said.bytes);
    else if (said.verb === 'exited' && opened) {
      succeed();
      opened.ended(said.ending);
    } else fail(new UpstreamError(`the server's supervisor started no process: ${said.verb}`, 'refused'));
  }

  return {
    process: promise,
    word,
    lost() {
      fail(new UpstreamError("the server's container has ended", 'refused'));
      opened?.ended({}, "the server's container has ended");
    },
    stop: () => opened?.stop(),
  };
}
