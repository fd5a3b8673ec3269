import type { Socket } from 'node:net';
import { addressIn, type ClientAddresses } from '../edge/client-address.ts';
import type { Refusal } from '../reasons.ts';
import type { Load } from './limits.ts';

/** An exchange on a connection, as far as the connection's fate is its own. */
export interface Occupant {
  /** The framing of its request is broken, or late. False when its request is whole, or its answer has begun. */
  fail(refusal: Refusal): boolean;
}

/** What is known of a client's connection from one request to the next. */
export interface Connection {
  /** Exchanges that are not over, in the order of their requests: more than one when the client pipelines. */
  readonly occupants: Occupant[];
  /** Of the peer, or of its client when it is a trusted proxy. */
  clientAddress(forwardedFor: string | string[] | undefined): string;
  /** True once nothing that comes is looked at any more. */
  ended: boolean;
  /** Of who called last, so that the next call finds it by a comparison. */
  load?: { readonly key: string; readonly of: Load };
}

export function createConnection(socket: Socket, proxies: ClientAddresses | undefined): Connection {
  const peer = addressIn(socket.remoteAddress ?? '') ?? '';
  const trusted = proxies?.isTrusted(peer) ?? false;
  let last: { forwardedFor: string; client: string } | undefined;
  const connection: Connection = {
    occupants: [],
    ended: false,
    clientAddress(given) {
      if (!trusted || given === undefined || !proxies) return peer;
      const forwardedFor = String(given);
      if (last?.forwardedFor !== forwardedFor)
        last = { forwardedFor, client: proxies.behind(peer, forwardedFor) };
      return last.client;
    },
  };
  socket.once('close', () => (connection.ended = true));
  return connection;
}
