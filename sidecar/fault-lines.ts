/** What is wrong with a document, for who wrote it. */
import type * as z from 'zod';

/** A line for each thing that is wrong: path, value, what is allowed. */
export function faultLines(document: unknown, issue: z.core.$ZodIssue): string[] {
  const line = (keys: PropertyKey[], words: string) =>
    `${keys.map(step).join('.') || '(document)'}: ${show(valueAt(document, keys))}: ${words}`;
  return issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => line([...issue.path, key], 'unknown key'))
    : [line(issue.path, issue.message)];
}

/** Keys are of the writer's choosing, and a fault is one line. */
function step(key: PropertyKey): string {
  const text = String(key);
  return /^[\w-]{1,80}$/.test(text) ? text : JSON.stringify(text.slice(0, 80));
}

function valueAt(value: unknown, keys: PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
}

function show(value: unknown): string {
  return value === undefined ? '(absent)' : JSON.stringify(value).slice(0, 80);
}
