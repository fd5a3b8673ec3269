/** Lists that a server sends where nobody looks for one: as the answer to another request, on the stream of this. Pure. */
import { keysOf, members } from '../json/members.ts';
import { fold } from '../json/shapes.ts';

const NOTHING = Buffer.alloc(0);
/** Without these there is no list in a message, in whatever way its keys are written. */
const MAY_HOLD_TOOLS = /tools|\\u|[^\0-\x7f]/i;

/**
 * Drops answers that hold tools and are not to the request: clients know answers by their ids alone, on any stream.
 * @param id of the request, as raw JSON
 * @throws {TypeError} where there is more than one reading of what a message answers
 */
export function createOwnAnswerEditor(id: string): (message: Buffer) => Buffer {
  const own: unknown = JSON.parse(id);
  return (message) => {
    if (!MAY_HOLD_TOOLS.test(message.toString('latin1'))) return message;
    const keys = keysOf(message).map(fold);
    for (const key of ['id', 'result'])
      if (keys.indexOf(key) !== keys.lastIndexOf(key)) throw new TypeError(`has more than one "${key}"`);
    if (!keys.includes('result')) return message;
    const span = members(message).get('id');
    const answered: unknown = span && JSON.parse(message.toString('utf8', span.start, span.end));
    return answered === own ? message : NOTHING;
  };
}
