import { CLIENT_CAPABILITIES_KEY, type ClientMessage } from '../client-message.ts';
import { members } from '../json/members.ts';

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Whether the client of a request of 2026-07-28 says there that it knows tasks. */
export function declaresTasks({ raw, document }: ClientMessage): boolean {
  const capabilities = document.meta.get(CLIENT_CAPABILITIES_KEY);
  const extensions = capabilities && members(raw, capabilities.start).get('extensions');
  return extensions ? members(raw, extensions.start).has(TASKS_EXTENSION) : false;
}
