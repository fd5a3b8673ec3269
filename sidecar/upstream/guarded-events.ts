import type { UpstreamEvents } from './upstream-call.ts';
import { UpstreamError } from './upstream-error.ts';

/**
 * Who shares a connection with others is told nothing more once it has thrown, and throws at nobody.
 * @param faulted told of it
 */
export function guardedEvents(events: UpstreamEvents, faulted: (error: unknown) => void): UpstreamEvents {
  let over = false;
  function guard(step: () => void): void {
    if (over) return;
    try {
      step();
    } catch (error) {
      over = true;
      faulted(error);
      try {
        events.fail(internal());
      } catch (again) {
        faulted(again);
      }
    }
  }
  return {
    head: (head) => guard(() => events.head(head)),
    chunk: (bytes) => guard(() => events.chunk(bytes)),
    end: () => guard(() => events.end()),
    fail: (error) => guard(() => events.fail(error)),
  };
}

export const internal = (): UpstreamError => new UpstreamError('the answer could not be taken', 'internal');
