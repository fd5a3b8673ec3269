import { text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import type { ModernRequest, ProtocolError } from './modern-request.ts';
import type { Question } from './parked-rounds.ts';

/** What may be asked of whom, and for which requests (2026-07-28, multi round-trip requests). */
const CAPABILITIES = new Map([
  ['elicitation/create', 'elicitation'],
  ['sampling/createMessage', 'sampling'],
  ['roots/list', 'roots'],
]);
const ASKED_BACK = new Set(['tools/call', 'prompts/get', 'resources/read']);
const MISSING_CAPABILITY = -32021;

type Client = Pick<ModernRequest, 'capabilities'>;
/** As `clientCapabilities` writes them. */
export type Required = Readonly<Record<string, Readonly<Record<string, object>>>>;

/** A request of the server's. */
export function readQuestion(request: Buffer): Question {
  const top = members(request);
  const raw = (key: string): string | undefined => {
    const span = top.get(key);
    return span && request.toString('utf8', span.start, span.end);
  };
  return {
    id: raw('id') ?? 'null',
    method: text(request, top.get('method')) ?? '',
    params: raw('params') ?? '{}',
  };
}

/** Whether the server may ask back before it answers a request of this method. */
export const mayBeAskedBack = (method: string, { capabilities }: Client): boolean =>
  ASKED_BACK.has(method) && [...CAPABILITIES.values()].some((each) => each in capabilities);

/**
 * What the client would have had to declare to be asked this; undefined when it has.
 * @returns nothing that can be declared, for what no client can be asked
 */
export function undeclared(
  { method, params }: Omit<Question, 'id'>,
  { capabilities }: Client,
): Required | undefined {
  const capability = CAPABILITIES.get(method);
  if (capability === undefined) return {};
  const declared = capabilities[capability] as Record<string, unknown> | undefined;
  const part = partOf(method, params);
  if (part === undefined) return declared ? undefined : { [capability]: {} };
  // An empty capability of elicitation is that of forms (2025-11-25, elicitation).
  const known =
    part === 'form' ? declared && !('url' in declared && !('form' in declared)) : declared?.[part];
  return known ? undefined : { [capability]: { [part]: {} } };
}

/** The kind of it that is declared by itself. */
function partOf(method: string, params: string): string | undefined {
  const raw = Buffer.from(params);
  const asked = members(raw);
  const mode = asked.get('mode');
  if (method === 'elicitation/create')
    return mode && raw.toString('utf8', mode.start, mode.end) === '"url"' ? 'url' : 'form';
  return method === 'sampling/createMessage' && (asked.has('tools') || asked.has('toolChoice'))
    ? 'tools'
    : undefined;
}

/** What a client is answered whose server could not go on without it (2026-07-28, versioning). */
export const missingCapability = (required: Required): ProtocolError => ({
  status: 400,
  code: MISSING_CAPABILITY,
  message: `The server needs what this client has not declared: ${Object.entries(required)
    .map(([capability, parts]) => [capability, ...Object.keys(parts)].join('.'))
    .join(', ')}`,
  data: { requiredCapabilities: required },
});
