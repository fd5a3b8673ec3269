import { text, type ClientMessage } from '../client-message.ts';
import { members } from '../json/members.ts';

/** What a completion is of: a prompt, or a resource template. */
export function referenceOf({ raw, document }: ClientMessage): 'prompt' | 'resource' {
  const span = document.params.get('ref');
  const type = span && text(raw, members(raw, span.start).get('type'));
  return type === 'ref/resource' ? 'resource' : 'prompt';
}
