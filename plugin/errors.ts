/** Exit codes of every command; a command that needs others (`doctor`) documents them in its help. */
export const EXIT = { ok: 0, error: 1, interrupted: 130 } as const;

export interface CliErrorOptions {
  readonly exitCode?: number;
  readonly cause?: unknown;
  /** Set by kubectl's "Error from server" and "Unable to connect": they stand without the prefix `error: `. */
  readonly bare?: boolean;
  /** A misused command line: the message ends with where to find help. */
  readonly usage?: boolean;
}

/**
 * What a person is told on stderr. The message names the object, the cause and, on its own line, the next command.
 * An empty message ends the command with the exit code and says nothing more.
 */
export class CliError extends Error {
  readonly exitCode: number;
  readonly bare: boolean;
  readonly usage: boolean;

  constructor(message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
    this.exitCode = options.exitCode ?? EXIT.error;
    this.bare = options.bare ?? false;
    this.usage = options.usage ?? false;
  }
}

/** A command line that kubectl would refuse: `error: MESSAGE` and where to find help. */
export const usageError = (message: string): CliError => new CliError(message, { usage: true });

/** Ends the command with this code, when all has been said already. */
export const exitWith = (exitCode: number): CliError => new CliError('', { exitCode });

/** The text for stderr, without the final line feed. `commandPath` is like `kubectl mcp list`. */
export function formatError(error: CliError, commandPath: string): string {
  if (error.message === '') return '';
  const message = error.bare ? error.message : `error: ${error.message}`;
  return error.usage ? `${message}\nSee '${commandPath} -h' for help and examples` : message;
}
