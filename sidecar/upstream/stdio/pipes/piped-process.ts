/** One process of the server's, at the other end of three named pipes. */
import { closeSync } from 'node:fs';
import { Socket, type OnReadOpts } from 'node:net';
import { constants } from 'node:os';
import type { Exit, LaunchedProcess, ProcessEvents } from '../launcher.ts';
import { readLines } from './bounded-lines.ts';
import { inDirectory, openDirectory, openPipe } from './open-pipe.ts';
import type { Ending } from './words.ts';

/** A server that reads nothing while this much is waiting will not read it. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
const MAX_STDERR_LINES = 20;
/** What the pipes still hold of a process that has ended is there at once; somebody else may hold them open. */
const DRAIN_MS = 1_000;
/** Longer than a supervisor takes to end a process in all ways. */
const END_UNSAID_MS = 12_000;
/** Every process's: what outlives a read is a copy. Without it, Node allocates 64 KiB for each. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);
const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export interface PipedProcess extends LaunchedProcess {
  grown(bytes: number): void;
  /** The supervisor, or its loss, has said that it is gone. */
  ended(ending: Ending, lastWords?: string): void;
}

interface Asking {
  stop(): void;
  /** Also where it has ended: what it said of itself could be said by another. */
  kill(): void;
}

/** @throws NotAPipeError when the server has put something else in a pipe's place; nothing is open then */
export function openProcess(run: number, id: string, ask: Asking, events: ProcessEvents): PipedProcess {
  const [stdin, stderr, stdout] = openPipes(run, id, events.stdout);
  const lastLines: string[] = [];
  let ending: Ending | undefined;
  let residentBytes: number | undefined;
  let finished = false;
  let outEnded = false;
  let errEnded = false;
  let timer: NodeJS.Timeout | undefined;

  stdin.on('error', () => {});
  stdout.on('error', () => {});
  stderr.on('error', () => {});
  stdout.on('close', () => {
    outEnded = true;
    if (finishWhenDrained() || ending) return;
    // What the supervisor says of it comes next, or it lives on without its stdout and cannot answer any more.
    timer = setTimeout(() => {
      ask.stop();
      timer = setTimeout(() => ended({}, 'its end was not told'), END_UNSAID_MS);
    }, DRAIN_MS);
  });
  stderr.on('close', () => {
    errEnded = true;
    finishWhenDrained();
  });
  readLines(stderr, remember);

  function remember(line: string): void {
    lastLines.push(line);
    if (lastLines.length > MAX_STDERR_LINES) lastLines.shift();
    events.stderr(line);
  }

  function ended(how: Ending, lastWords?: string): void {
    if (ending) return;
    ending = how;
    if (lastWords) lastLines.push(lastWords);
    clearTimeout(timer);
    stdin.destroy();
    if (!finishWhenDrained()) finishLater();
  }

  /** As long as nobody takes its last answers they stay where they are. */
  function finishLater(): void {
    timer = setTimeout(() => (stdout.isPaused() && !outEnded ? finishLater() : finish()), DRAIN_MS);
  }

  function finishWhenDrained(): boolean {
    if (!ending || !outEnded || !errEnded) return false;
    finish();
    return true;
  }

  function finish(): void {
    if (finished) return;
    finished = true;
    clearTimeout(timer);
    for (const socket of [stdin, stdout, stderr]) socket.destroy();
    ask.kill();
    events.exited(exitOf(ending ?? {}, lastLines));
  }

  return {
    write(bytes, failed) {
      if (ending) return failed(new Error("the server's process has ended"));
      if (stdin.writableLength > MAX_UNREAD_BYTES)
        return failed(new Error('the server does not read what it is sent'));
      stdin.write(bytes, (error) => {
        if (error) failed(error);
      });
    },
    pause: () => void stdout.pause(),
    resume: () => void stdout.resume(),
    stop() {
      stdin.end();
      // Nobody waits for its answers any more, and behind them comes its end.
      stdout.resume();
      ask.stop();
    },
    get residentBytes() {
      return residentBytes as number;
    },
    grown(bytes) {
      residentBytes = bytes;
    },
    ended,
  };
}

/** `in` first: the process reads when the supervisor has started it, and must not find the end of it then. */
function openPipes(run: number, id: string, taken: (bytes: Buffer) => void): [Socket, Socket, Socket] {
  const directory = openDirectory(inDirectory(run, id));
  const opened: number[] = [];
  try {
    opened.push(openPipe(directory, 'in', 'write'));
    opened.push(openPipe(directory, 'err', 'read'));
    opened.push(openPipe(directory, 'out', 'read'));
  } catch (error) {
    for (const each of opened) closeSync(each);
    throw error;
  } finally {
    closeSync(directory);
  }
  const [stdin, stderr, stdout] = opened as [number, number, number];
  return [
    new Socket({ fd: stdin, readable: false, writable: true }),
    new Socket({ fd: stderr, readable: true, writable: false }),
    new Socket({ fd: stdout, readable: true, writable: false, onread: readInto(taken) }),
  ];
}

const readInto = (taken: (bytes: Buffer) => void): OnReadOpts => ({
  buffer: READ_BUFFER,
  callback(length) {
    taken(Buffer.from(READ_BUFFER.subarray(0, length)));
    return true;
  },
});

function exitOf({ code, signal }: Ending, stderr: readonly string[]): Exit {
  if (code !== undefined) return { code, stderr };
  if (signal !== undefined) return { signal: SIGNALS.get(signal) ?? String(signal), stderr };
  return { stderr };
}
