/** In which an actor says for whom it asks, in lower case. */
export const ASSERTION_HEADER = 'mcp-user-assertion';
