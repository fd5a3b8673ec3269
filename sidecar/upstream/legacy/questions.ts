import type { ModernRequest } from './modern-request.ts';

/** What may be asked of whom, and for which requests (2026-07-28, multi round-trip requests). */
const CAPABILITIES = new Map([
  ['elicitation/create', 'elicitation'],
  ['sampling/createMessage', 'sampling'],
  ['roots/list', 'roots'],
]);
const ASKED_BACK = new Set(['tools/call', 'prompts/get', 'resources/read']);

type Client = Pick<ModernRequest, 'capabilities'>;

/** Whether the server may ask back before it answers a request of this method. */
export const mayBeAskedBack = (method: string, { capabilities }: Client): boolean =>
  ASKED_BACK.has(method) && [...CAPABILITIES.values()].some((each) => each in capabilities);

/** Whether the client has said that it can be asked this. */
export const canBeAsked = (question: string, { capabilities }: Client): boolean =>
  (CAPABILITIES.get(question) ?? '\0') in capabilities;
