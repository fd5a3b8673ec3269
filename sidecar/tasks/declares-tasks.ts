import { CLIENT_CAPABILITIES_KEY, type ClientMessage } from '../client-message.ts';
import { members } from '../json/members.ts';

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';
/** In `_meta` of what is about a task of 2025-11-25. */
export const RELATED_TASK = 'io.modelcontextprotocol/related-task';
const WRITTEN = Buffer.from(`"${TASKS_EXTENSION}"`);

/**
 * Whether the client of a request of 2026-07-28 says there that it knows tasks. Looked for as clients write it, for this
 * is asked of every call: one that is written with escapes is a client that knows none.
 */
export function declaresTasks({ raw, document }: ClientMessage): boolean {
  const capabilities = document.meta.get(CLIENT_CAPABILITIES_KEY);
  if (!capabilities || !raw.subarray(capabilities.start, capabilities.end).includes(WRITTEN)) return false;
  const extensions = members(raw, capabilities.start).get('extensions');
  return extensions ? members(raw, extensions.start).has(TASKS_EXTENSION) : false;
}
