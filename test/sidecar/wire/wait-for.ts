import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
const DEADLINE_MS = 15_000;

type Truthy<T> = Exclude<T, false | null | undefined | '' | 0>;

/** Asks again and again until there is something; fails with what was asked for when the deadline is over. */
export async function waitFor<T>(
  what: string,
  ask: () => T | Promise<T>,
  forMs = DEADLINE_MS,
): Promise<Truthy<T>> {
  const deadlineMs = Date.now() + forMs;
  for (;;) {
    const found = await ask();
    if (found) return found as Truthy<T>;
    if (Date.now() > deadlineMs) throw new Error(`waited ${forMs} ms in vain: ${what}`);
    await delay(POLL_MS);
  }
}
