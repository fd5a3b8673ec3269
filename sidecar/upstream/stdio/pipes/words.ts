/** What is said between the sidecar and the supervisor; ../supervisor/supervise.c has the other side. */

export type Ending = { readonly code?: number; readonly signal?: number };

export type Word =
  | { readonly verb: 'ready'; readonly memoryBytes: number }
  | { readonly verb: 'made' | 'started' | 'refused'; readonly id: string }
  | { readonly verb: 'size'; readonly id: string; readonly bytes: number }
  | { readonly verb: 'exited'; readonly id: string; readonly ending: Ending };

const WORD =
  /^(ready|made|started|refused|size|exited) ([a-z0-9]{1,32})(?: ([a-z0-9]{1,32}))?(?: (code|signal|lost))?(?: (\d{1,19}))?$/;
/** The supervisor keeps as much of a line, and one of its processes could not be given more at once. */
export const MAX_START_BYTES = 60_000;

/** Undefined for what is no word or comes from another epoch: whoever shares the server's uid can write anything here. */
export function readWord(line: string, epoch: string): Word | undefined {
  const [, verb, of, id, how, count = '0'] = WORD.exec(line) ?? [];
  if (of !== epoch) return undefined;
  const number = Number(count);
  if (verb === 'ready') return { verb, memoryBytes: number < Number.MAX_SAFE_INTEGER ? number : 0 };
  if (id === undefined) return undefined;
  switch (verb) {
    case 'made':
    case 'started':
    case 'refused':
      return { verb, id };
    case 'size':
      return { verb, id, bytes: number };
    case 'exited':
      return {
        verb,
        id,
        ending: how === 'code' ? { code: number } : how === 'signal' ? { signal: number } : {},
      };
    default:
      return undefined;
  }
}

/** @throws RangeError when it is too long to be sent */
export function startWord(epoch: string, id: string, env: Readonly<Record<string, string>>): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const line = ['start', epoch, id, ...variables].join(' ');
  if (line.length > MAX_START_BYTES)
    throw new RangeError(`the variables of a process take over ${MAX_START_BYTES} bytes`);
  return line;
}
