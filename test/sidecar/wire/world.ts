/** A scripted server of tools, resources and prompts, which knows what it has and says so. */
import { resultOf, type JsonObject } from './result-of.ts';
import { sendJson, tool, type Answer, type ScriptedServer } from './scripted-server.ts';

export interface World {
  readonly tools: readonly object[];
  readonly resources: readonly string[];
  readonly templates: readonly string[];
  readonly prompts: readonly string[];
}

export const worldOf = (names: readonly string[]): World => ({
  tools: names.map((name) => tool(name)),
  resources: names.map((name) => `note:///${name}`),
  templates: names.map((name) => `note:///${name}/{part}`),
  prompts: names,
});

const CACHE = { ttlMs: 1_000, cacheScope: 'public', resultType: 'complete' };

export function play(server: ScriptedServer, { tools, resources, templates, prompts }: World): void {
  server.tools = [...tools];
  const lists: Record<string, JsonObject> = {
    'tools/list': { tools },
    'resources/list': { resources: resources.map((uri) => ({ uri, name: uri })) },
    'resources/templates/list': {
      resourceTemplates: templates.map((uriTemplate) => ({ uriTemplate, name: uriTemplate })),
    },
    'prompts/list': { prompts: prompts.map((name) => ({ name })) },
  };
  for (const [method, result] of Object.entries(lists)) {
    const answer: Answer = ({ message }, response) =>
      sendJson(response, { jsonrpc: '2.0', id: message?.id, result: { ...result, ...CACHE } });
    server.answers.set(method, answer);
    server.answersToSidecar.set(method, answer);
  }
  const known = (uri: unknown): boolean =>
    resources.includes(String(uri)) || resources.some((each) => String(uri).startsWith(`${each}/`));
  const has: Record<string, (params: JsonObject) => boolean> = {
    'tools/call': ({ name }) => tools.some((each) => (each as { name: string }).name === name),
    'prompts/get': ({ name }) => prompts.includes(String(name)),
    'resources/read': ({ uri }) => known(uri),
    'resources/subscribe': ({ uri }) => known(uri),
    'completion/complete': ({ ref }) => {
      const { name, uri } = ref as JsonObject;
      return name === undefined ? templates.includes(String(uri)) : prompts.includes(String(name));
    },
  };
  for (const [method, isThere] of Object.entries(has)) {
    const answer: Answer = ({ message }, response) => {
      const params = message?.params ?? {};
      sendJson(
        response,
        isThere(params)
          ? {
              jsonrpc: '2.0',
              id: message?.id,
              result: { ...resultOf(method, params), resultType: 'complete' },
            }
          : { jsonrpc: '2.0', id: message?.id, error: { code: -32602, message: `${method}: not here` } },
      );
    };
    server.answers.set(method, answer);
    // The sessions that are kept for clients of the other era look like its own.
    server.answersToSidecar.set(method, answer);
  }
}
