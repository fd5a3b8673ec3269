/** The sidecar's end of the pipes `control` and `status`; looks for the supervisor until it is there, and again when it is not. */
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Log } from '../../../log.ts';
import { UpstreamError } from '../../upstream-error.ts';
import { readLines } from './bounded-lines.ts';
import { codeOf, openPipe } from './open-pipe.ts';
import { readWord, type Word } from './words.ts';

const FIRST_LOOK_MS = 25;
const MOST_BETWEEN_LOOKS_MS = 1_000;
const ANSWER_TIMEOUT_MS = 5_000;
/** A supervisor reads at once: this much is unread only if it was stopped. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export interface SupervisorLink {
  /** Rejects when the supervisor is not there within this time. */
  ready(timeoutMs: number): Promise<{ readonly epoch: string }>;
  /** Undefined without a supervisor. */
  readonly epoch: string | undefined;
  send(line: string): void;
  close(): void;
}

interface LinkEvents {
  word(word: Word): void;
  /** The supervisor is gone, and all its processes with it. */
  lost(): void;
}

interface Connection {
  readonly epoch: string;
  readonly control: Socket;
  readonly status: Socket;
  ready: boolean;
}

export function linkSupervisor(directory: number, events: LinkEvents, log: Log): SupervisorLink {
  let connection: Connection | undefined;
  let closed = false;
  let betweenLooksMs = FIRST_LOOK_MS;
  let timer: NodeJS.Timeout | undefined;
  let problem = 'its container has not started';
  let waiting: ((epoch: string) => void)[] = [];
  look();

  function look(): void {
    let control: number | undefined;
    try {
      // Made last by a supervisor: where it has a reader, `status` is of the same supervisor.
      control = openPipe(directory, 'control', 'write');
      connect(control, openPipe(directory, 'status', 'read'));
    } catch (error) {
      if (control !== undefined) closeSync(control);
      const code = codeOf(error);
      problem =
        code === 'ENOENT' || code === 'ENXIO' ? 'its container is not running' : (error as Error).message;
      if (code !== 'ENOENT' && code !== 'ENXIO') log('stdio_supervisor_unreachable', { error: problem });
      lookAgain();
    }
  }

  function lookAgain(): void {
    if (closed) return;
    timer = setTimeout(look, betweenLooksMs);
    betweenLooksMs = Math.min(betweenLooksMs * 2, MOST_BETWEEN_LOOKS_MS);
  }

  function connect(controlFd: number, statusFd: number): void {
    const made: Connection = {
      epoch: randomBytes(8).toString('hex'),
      control: new Socket({ fd: controlFd, readable: false, writable: true }),
      status: new Socket({ fd: statusFd, readable: true, writable: false }),
      ready: false,
    };
    connection = made;
    const { control, status, epoch } = made;
    for (const socket of [control, status])
      socket.on('error', () => lose(made)).on('close', () => lose(made));
    readLines(status, (line) => {
      const word = connection === made ? readWord(line, epoch) : undefined;
      if (!word) return;
      if (word.verb === 'ready') becomeReady(made);
      events.word(word);
    });
    control.write(lineOf(`reset ${epoch}`));
    timer = setTimeout(() => {
      problem = 'it does not answer';
      lose(made);
    }, ANSWER_TIMEOUT_MS);
  }

  function becomeReady(made: Connection): void {
    if (made.ready) return;
    made.ready = true;
    clearTimeout(timer);
    betweenLooksMs = FIRST_LOOK_MS;
    log('stdio_supervisor_found');
    for (const tell of waiting.splice(0)) tell(made.epoch);
  }

  function lose(made: Connection): void {
    if (connection !== made) return;
    connection = undefined;
    clearTimeout(timer);
    made.control.destroy();
    made.status.destroy();
    if (made.ready) {
      problem = 'its container has ended';
      if (!closed) log('stdio_supervisor_lost');
      events.lost();
    }
    lookAgain();
  }

  return {
    get epoch() {
      return connection?.ready ? connection.epoch : undefined;
    },
    ready(timeoutMs) {
      if (connection?.ready) return Promise.resolve({ epoch: connection.epoch });
      return new Promise((resolve, reject) => {
        const tell = (epoch: string): void => {
          clearTimeout(late);
          resolve({ epoch });
        };
        const late = setTimeout(() => {
          waiting = waiting.filter((each) => each !== tell);
          reject(
            new UpstreamError(
              `the server's supervisor was not met within ${timeoutMs / 1000} s: ${problem}`,
              'refused',
            ),
          );
        }, timeoutMs);
        waiting.push(tell);
      });
    },
    send(line) {
      if (!connection) return;
      if (connection.control.writableLength > MAX_UNREAD_BYTES) return lose(connection);
      connection.control.write(lineOf(line));
    },
    close() {
      closed = true;
      clearTimeout(timer);
      if (connection) lose(connection);
      clearTimeout(timer);
    },
  };
}

/** Of its own, whatever half of one a server has written there. */
const lineOf = (words: string): string => `\n${words}\n`;
