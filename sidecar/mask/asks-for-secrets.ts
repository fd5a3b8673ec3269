import type { ClientMessage } from '../client-message.ts';

/** `values`: in a form of the caller's own that does not show any more what it is. */
export type Asked = 'nothing' | 'secrets' | 'values';

/** As resources are named: not a part of a name. */
const SECRETS = /(?<![\w-])secrets?(?![\w-])/i;
const FORMS = /jsonpath|template|custom-?columns|\b(?:jq|yq|base64|awk|sed|cut|grep|python3?|perl)\b/i;

/** What a call is about, by all that its arguments say. */
export function asksForSecrets(message: ClientMessage | undefined): Asked {
  if (message?.method !== 'tools/call') return 'nothing';
  const span = message.document.params.get('arguments');
  if (!span) return 'nothing';
  const raw = message.raw.toString('utf8', span.start, span.end);
  // Letters may be written as escapes.
  const text = raw.includes('\\') ? wordsOf(JSON.parse(raw)).join('\n') : raw;
  if (!SECRETS.test(text)) return 'nothing';
  return FORMS.test(text) ? 'values' : 'secrets';
}

const wordsOf = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? [String(value)]
    : Object.entries(value).flatMap(([key, each]) => [key, ...wordsOf(each)]);
