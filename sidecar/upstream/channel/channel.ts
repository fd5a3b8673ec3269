/** A two-way connection to a server that carries JSON-RPC messages: one session of its, for one caller. */
export interface Channel {
  /**
   * @param failed the message has not arrived, as far as one can know
   * @param forwarded header lines of the caller's own
   */
  send(message: Buffer, failed: (error: Error) => void, forwarded?: string): void;
  pause(): void;
  resume(): void;
  close(): void;
}

export interface ChannelEvents {
  /** A whole message of the server's. */
  message(data: Buffer): void;
  /** Nothing more comes, and nothing can be sent any more; not after `close`. */
  closed(error: Error): void;
}

export interface ForWhom {
  readonly owner?: string | undefined;
  /** Header lines of the caller's own. */
  readonly forwarded?: string | undefined;
}

export type OpenChannel = (forWhom: ForWhom, events: ChannelEvents) => Promise<Channel>;
