/** Processes of a stdio server as channels: one is started for each channel, and ends with it. */
import { randomBytes } from 'node:crypto';
import type { Log } from '../../log.ts';
import type { Channel } from '../channel/channel.ts';
import { UpstreamError } from '../upstream-error.ts';
import { exitWords } from './exit-words.ts';
import type { Exit, LaunchedProcess, Launcher } from './launcher.ts';
import { LineReader } from './line-reader.ts';
import { answerOf, readLine, type ServerLine } from './read-line.ts';

export interface StdioSettings {
  readonly env: Readonly<Record<string, string>>;
  readonly maxMessageBytes: number;
  readonly log: Log;
  /** Whether its stderr goes there: in a pod it is in the log of the server's container. */
  readonly logsStderr: boolean;
}

export interface ProcessChannelEvents {
  message(data: Buffer, line: ServerLine): void;
  /** The answer to the request with this id (raw JSON) was longer than it may be. */
  tooLarge(id: string, words: string): void;
  /** Nothing more comes, and nothing can be sent any more; not after `close`. */
  closed(error: Error): void;
}

export interface StdioChannels {
  /** @param isProbe one whose end at once says nothing of the server's health: it is asked what servers may not like */
  open(events: ProcessChannelEvents, isProbe?: boolean): Promise<Channel>;
  state(): StdioState;
  close(): Promise<void>;
}

export interface StdioState {
  readonly processes: number;
  readonly starts: number;
  /** Of those the ones that have ended without a word. */
  readonly failedStarts: number;
  /** Lines on stdout that were no JSON-RPC. */
  readonly foreignLines: number;
  readonly lastExit?: Exit & { readonly at: string };
  /** Of the largest that was seen. */
  readonly processBytes?: number;
}

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;
const LINE_END = Buffer.from('\n');

export function stdioChannels(launcher: Launcher, settings: StdioSettings): StdioChannels {
  const { env, maxMessageBytes, log, logsStderr } = settings;
  const running = new Set<LaunchedProcess>();
  let starts = 0;
  let failedStarts = 0;
  let failedInARow = 0;
  let retryAtMs = 0;
  let foreignLines = 0;
  let closed = false;
  let processBytes: number | undefined;
  let lastExit: StdioState['lastExit'];

  /** Nothing is started while the one before has just failed: its end is every caller's answer. */
  function refuseEarly(): void {
    if (lastExit && failedInARow > 0 && performance.now() < retryAtMs)
      throw new UpstreamError(exitWords(lastExit), 'exited');
  }

  function ended(exit: Exit, { spoke, isProbe }: { spoke: boolean; isProbe: boolean }): void {
    if (isProbe) return;
    lastExit = { ...exit, at: new Date().toISOString() };
    if (spoke) return;
    failedStarts++;
    retryAtMs = performance.now() + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failedInARow++);
  }

  async function open(events: ProcessChannelEvents, isProbe = false): Promise<Channel> {
    if (closed) throw new UpstreamError('closed');
    if (!isProbe) refuseEarly();
    const id = randomBytes(8).toString('hex');
    let spoke = false;
    let stopped = false;
    let hasForeign = false;
    let launched: LaunchedProcess | undefined;
    /** Why nothing more comes. */
    let over: Error | undefined;
    const end = (error: Error): void => {
      if (over) return;
      over = error;
      launched?.stop();
      if (launched) events.closed(error);
    };
    const foreign = (): void => {
      foreignLines++;
      // Not what it says: that may be anything.
      if (!hasForeign) log('stdio_foreign_line', { process: id });
      hasForeign = true;
    };
    const reader = new LineReader(maxMessageBytes, {
      line(bytes) {
        if (over) return;
        const line = readLine(bytes);
        if (!line) return foreign();
        spoke = true;
        failedInARow = 0;
        events.message(bytes, line);
      },
      tooLong(head, tail) {
        const answered = answerOf(head, tail);
        const words = `the server wrote a line of more than ${maxMessageBytes} bytes`;
        if (answered === undefined) end(new UpstreamError(words));
        else if (!over) events.tooLarge(answered, words);
      },
      endless: () => end(new UpstreamError('the server wrote a line without an end')),
    });
    starts++;
    const started = await launcher.launch(
      { id, env },
      {
        stdout: (bytes) => reader.push(bytes),
        stderr(line) {
          if (logsStderr) log('stdio_stderr', { process: id, line });
        },
        exited(exit) {
          if (launched) running.delete(launched);
          if (!stopped) ended(exit, { spoke, isProbe });
          log('stdio_exited', { process: id, code: exit.code, signal: exit.signal, stopped });
          end(new UpstreamError(exitWords(exit), 'exited'));
        },
      },
    );
    if (over) throw over;
    if (closed) {
      started.stop();
      throw new UpstreamError('closed');
    }
    launched = started;
    running.add(started);
    return {
      send(message, failed) {
        if (over) return failed(over);
        started.write(Buffer.concat([onOneLine(message), LINE_END]), failed);
        const seen = started.residentBytes;
        if (seen !== undefined && seen > (processBytes ?? 0)) processBytes = seen;
      },
      pause: () => started.pause(),
      resume: () => started.resume(),
      close() {
        stopped = true;
        over ??= new UpstreamError('the process was stopped', 'exited');
        running.delete(started);
        started.stop();
      },
    };
  }

  return {
    open,
    state: () => ({
      processes: running.size,
      starts,
      failedStarts,
      foreignLines,
      ...(lastExit ? { lastExit } : {}),
      ...(processBytes === undefined ? {} : { processBytes }),
    }),
    close() {
      closed = true;
      return launcher.close();
    },
  };
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** Line ends stand between the tokens of JSON only, where a space means the same. */
function onOneLine(message: Buffer): Buffer {
  if (!message.includes(LF) && !message.includes(CR)) return message;
  return Buffer.from(message).map((byte) => (byte === LF || byte === CR ? SPACE : byte)) as Buffer;
}
