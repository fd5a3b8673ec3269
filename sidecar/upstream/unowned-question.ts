import { METHOD_NOT_FOUND } from './mcp-request.ts';

const WORDS = 'no call, or more than one, is under way that this may belong to';

/** The answer to a request of the server's of which nobody can say whose it is. @param id raw JSON */
export const unownedQuestion = (id: string): Buffer =>
  Buffer.from(
    `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code: METHOD_NOT_FOUND, message: WORDS })}}`,
  );
