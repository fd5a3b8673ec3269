export type JsonObject = Record<string, unknown>;

/** What a server that has the thing answers. */
export function resultOf(method: string, params: JsonObject): JsonObject {
  if (method === 'tools/call') return { content: [{ type: 'text', text: 'done' }] };
  if (method === 'prompts/get') return { messages: [] };
  if (method === 'resources/read')
    return { contents: [{ uri: params['uri'], text: 'done' }], ttlMs: 0, cacheScope: 'private' };
  if (method === 'completion/complete') return { completion: { values: ['a', 'b'], total: 2 } };
  return {};
}
