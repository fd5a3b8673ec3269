import type { UpstreamRequest } from '../upstream-call.ts';

/** A two-way connection to a server that carries JSON-RPC messages: one session of its, for one caller. */
export interface Channel {
  /**
   * @param failed the message has not arrived, as far as one can know
   * @param from what of the message's request goes with it
   */
  send(message: Buffer, failed: (error: Error) => void, from?: OfCaller): void;
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

/** Header lines, and the credential. */
type OfCaller = Pick<UpstreamRequest, 'forwarded' | 'caller'>;

export type ForWhom = OfCaller & Pick<UpstreamRequest, 'owner'>;

export type OpenChannel = (forWhom: ForWhom, events: ChannelEvents) => Promise<Channel>;
