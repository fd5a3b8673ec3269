import { refuse, type Refusal } from '../reasons.ts';

/** Nothing has this name, and no caller can ask for it: names with NUL are refused when a message is read. */
const NOBODYS = '\0';

/**
 * Refuses what is there as what is not: after the same look at the caller's own list, and with the same answer where the
 * server does not give one. What the last list had would be found without a look.
 */
export async function asUnknown(
  refusal: Refusal,
  lookUp: (name: string) => Promise<unknown>,
): Promise<Refusal> {
  try {
    await lookUp(NOBODYS);
    return refusal;
  } catch (error) {
    return refuse('catalogue-unavailable', (error as Error).message, { 'retry-after': '2' });
  }
}
