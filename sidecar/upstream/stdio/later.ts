import { asUpstream } from '../channel/channel-session.ts';
import type { UpstreamCall, UpstreamEvents } from '../upstream-call.ts';

/** A call that begins when what it needs is there. @param unused what was got for a call that nobody waits for any more */
export function later<T>(
  coming: Promise<T>,
  events: UpstreamEvents,
  begin: (found: T) => UpstreamCall,
  unused: (found: T) => void = () => undefined,
): UpstreamCall {
  let call: UpstreamCall | undefined;
  let gone = false;
  coming.then(
    (found) => {
      if (gone) unused(found);
      else call = begin(found);
    },
    (error: Error) => {
      if (!gone) events.fail(asUpstream(error));
    },
  );
  return {
    abort() {
      gone = true;
      call?.abort();
    },
    pause: () => call?.pause(),
    resume: () => call?.resume(),
  };
}
