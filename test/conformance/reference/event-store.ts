/** Events of one session, kept in memory, so that a client may resume a stream (2025-11-25). */
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

export function memoryEventStore(): EventStore {
  const events: { id: string; streamId: string; message: JSONRPCMessage }[] = [];
  const streamOf = (eventId: string) => events.find(({ id }) => id === eventId)?.streamId;
  return {
    async storeEvent(streamId, message) {
      const id = `${streamId}_${events.length}`;
      events.push({ id, streamId, message });
      return id;
    },
    async getStreamIdForEventId(eventId) {
      return streamOf(eventId);
    },
    async replayEventsAfter(lastEventId, { send }) {
      const streamId = streamOf(lastEventId) ?? '';
      const after = events.findIndex(({ id }) => id === lastEventId) + 1;
      for (const { id, streamId: of, message } of events.slice(after)) {
        // A priming event holds no message; sending it again would confuse the client.
        if (of === streamId && 'jsonrpc' in message) await send(id, message);
      }
      return streamId;
    },
  };
}
