/** What starts processes of a stdio server: children of this process, or a supervisor in the server's own container. */

export interface LaunchSpec {
  /** `[a-z0-9]{1,32}`; also the name of the process's own directory. */
  readonly id: string;
  /** Beside what the command is started with anyway. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code?: number;
  readonly signal?: string;
  /** The last lines, bounded in count and length. */
  readonly stderr: readonly string[];
}

export interface ProcessEvents {
  stdout(bytes: Buffer): void;
  stderr(line: string): void;
  /** Once; nothing follows. */
  exited(exit: Exit): void;
}

export interface LaunchedProcess {
  /** @param failed the bytes have not arrived, as far as one can know */
  write(bytes: Buffer, failed: (error: Error) => void): void;
  /** Of stdout. */
  pause(): void;
  resume(): void;
  /** Closes stdin, waits, then TERM and KILL to the whole group. */
  stop(): void;
  /** Of the whole group, as last seen. */
  readonly residentBytes?: number;
}

export interface Launcher {
  /** Rejects when the process cannot be started at all; one that starts and dies at once says so by `exited`. */
  launch(spec: LaunchSpec, events: ProcessEvents): Promise<LaunchedProcess>;
  /** Stops all, and waits for them. */
  close(): Promise<void>;
}
