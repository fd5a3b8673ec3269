/** A sidecar with all that decides at once, before a server that has what each part hides, or lacks it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitionOf } from '../../../sidecar/pins/definition.ts';
import { startReviewingApi, type ReviewingApi } from '../access/reviewing-api.ts';
import { writeAsKubelet } from '../mounted/write-volume.ts';
import { modernHeaders, modernRequest } from './modern-meta.ts';
import { startOAuth, type OAuthWorld } from './oauth-world.ts';
import { HEADERS, INITIALIZE, post } from './post.ts';
import { stops } from './proxied.ts';
import { sendJson, startStream, type Answer, type ScriptedServer } from './scripted-server.ts';
import { waitFor } from './wait-for.ts';
import type { Era } from './with-policy.ts';
import { play, type World } from './world.ts';

/** Each of them is there on one side alone, and hidden by another part. */
export const HIDDEN = ['denied', 'ruled', 'scoped', 'unpinned', 'changed', 'unbound', 'asking'] as const;
export const SHARED = ['open', 'admin'] as const;
/** Hidden as tools alone: what else has such a name would not be. */
export const OF_TOOLS: readonly string[] = ['scoped', 'unpinned', 'changed'];
const CALLER = 'oidc:agent';

export type Side = 'having' | 'lacking';

const policyOf = (side: Side): string => `version: 1
tools:
  deny: [denied]
  scopes:
    - {tools: [admin, unpinned, asking], scopes: [mcp:admin], visible: true}
    - {tools: [scoped], scopes: [mcp:admin]}
  overrides:
    - {tool: changed, name: own-changed}
    - {tool: unbound, name: own-unbound}
    - tool: real-${side}
      name: shown
      description: d
      arguments: {fixed: {fixed-${side}: x}, hidden: [hidden-${side}]}
resources: {deny: ['note:///denied*']}
prompts: {deny: [denied]}
rules:
  - {name: ruled, tools: [ruled], prompts: [ruled], deny: principal.kind == "oidc"}
  - {name: ruled-notes, resources: ['note:///ruled*'], deny: principal.kind == "oidc"}
  - {name: arguments, tools: ['*'], deny: has(args.open) && args.open == "forbidden"}
`;

const toolOf = (name: string, keys: readonly string[] = ['open']) => ({
  name,
  description: 'd',
  inputSchema: { type: 'object', properties: Object.fromEntries(keys.map((key) => [key, {}])) },
});
const realOf = (side: Side) => toolOf(`real-${side}`, ['open', `fixed-${side}`, `hidden-${side}`]);

function worldOf(side: Side): World {
  const names = side === 'having' ? ['open', ...HIDDEN, 'admin'] : SHARED;
  const things = names.filter((name) => !OF_TOOLS.includes(name));
  return {
    tools: [...names.map((name) => toolOf(name)), realOf(side)],
    resources: things.map((name) => `note:///${name}`),
    templates: things.map((name) => `note:///${name}/{part}`),
    prompts: things,
  };
}

/** Without `unpinned`, and with another `changed`: the same file on both sides but for the tools' own names. */
function pinsOf(side: Side) {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-everything-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  const tools = [
    ...['open', 'admin', 'denied', 'ruled', 'scoped', 'unbound', 'asking'].map((name) => toolOf(name)),
    { ...toolOf('changed'), description: 'was another' },
    realOf(side),
  ].map((each) => {
    const { name, ...pin } = definitionOf(each)!;
    return [name, pin];
  });
  writeAsKubelet(directory, {
    'pins.json': JSON.stringify({ version: 1, image: 'notes:1', tools: Object.fromEntries(tools) }),
  });
  return { source: 'configmap/notes-mcp-pins', directory };
}

const grantsOf = (side: Side): string[] => {
  const bound = ['open', 'admin', 'denied', 'ruled', 'scoped', 'unpinned', 'changed'];
  const uris = bound.flatMap((name) => ['', '/{part}', '/a'].map((part) => `note:///${name}${part}`));
  return [
    ...[...bound, `real-${side}`].map((name) => `call ${name}`),
    ...bound.map((name) => `get ${name}`),
    ...uris.map((uri) => `read ${uri}`),
  ].map((grant) => `${CALLER} ${grant}`);
};

export interface OneSide extends OAuthWorld {
  readonly api: ReviewingApi;
  readonly own: Record<string, string>;
  /** Sends; what can be seen of the answer. */
  ask(request: Request): Promise<Seen>;
}

interface Seen {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Of either era; `headers` beside those that the message asks for. */
export interface Request {
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly headers?: Record<string, string>;
}

export async function startSide(side: Side, client: Era, era: Era): Promise<OneSide> {
  const api = await startReviewingApi(grantsOf(side));
  stops.push(api.remove);
  const started = await startOAuth({
    era,
    policy: policyOf(side),
    publicUrl: () => 'https://notes.example.com/mcp',
    apiServer: api.apiServer,
    edge: {
      image: 'notes:1',
      pins: pinsOf(side),
      authorization: { mode: 'kubernetes', directory: api.directory },
    },
  });
  const { server, sidecar, provider, resource } = started;
  const world = worldOf(side);
  play(server, world);
  script(server, world);
  const own: Record<string, string> = {
    authorization: `Bearer ${await provider.token({ resource, scope: 'mcp:tools' })}`,
  };
  // What was there when it connected has been replaced meanwhile.
  await waitFor('the tools', async () => {
    const { servers } = await sidecar.health();
    return servers[0].tools?.total === world.tools.length || servers[0].tools?.length === world.tools.length;
  });
  if (client === 'legacy') own['mcp-session-id'] = await sessionOf(sidecar.url, own);
  return {
    ...started,
    api,
    own,
    ask: ({ method, params, headers }) => seen(client, sidecar.url, method, params, { ...own, ...headers }),
  };
}

/** Of the one revision with batches. */
export async function sessionOf(url: string, headers: Record<string, string>): Promise<string> {
  const params = { ...INITIALIZE.params, protocolVersion: '2025-03-26' };
  const { headers: given } = await post(url, { ...INITIALIZE, params }, headers);
  return given.get('mcp-session-id')!;
}

async function seen(
  client: Era,
  url: string,
  method: string,
  params: Record<string, unknown>,
  headers: Record<string, string>,
): Promise<Seen> {
  const body =
    client === 'modern'
      ? modernRequest(method, params)
      : method === 'batch'
        ? (params['of'] as object[]).map((each, id) => ({ jsonrpc: '2.0', id, ...each }))
        : { jsonrpc: '2.0', id: 1, method, params };
  const response = await fetch(url, {
    method: method === 'GET' ? 'GET' : 'POST',
    headers: { ...HEADERS, ...(client === 'modern' ? modernHeaders(method, params) : {}), ...headers },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => name !== 'date'),
    body: await response.text(),
  };
}

/** What a server says besides plain answers. */
function script(server: ScriptedServer, { tools, resources }: World): void {
  const updates = resources.map((uri) => ({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri },
  }));
  const inner = server.answers.get('tools/call')!;
  let made = '';
  const call: Answer = (request, response) => {
    const { message } = request;
    const { name, arguments: args, task } = message!.params as Record<string, Record<string, unknown>>;
    if (task) {
      made = String(name);
      return sendJson(response, answerTo(message!.id, { task: { taskId: 't1', status: 'working' } }));
    }
    if (args?.['open'] === 'fails') return sendJson(response, answerTo(message!.id, failed(String(name))));
    if (args?.['open'] !== 'streams') return inner(request, response);
    const tell = startStream(response);
    tell({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'on it' } });
    tell(answerTo(message!.id, failed(String(name))));
    response.end();
  };
  const answers: Record<string, Answer> = {
    'tools/call': call,
    'tasks/get': ({ message }, response) =>
      sendJson(response, answerTo(message!.id, { taskId: 't1', status: 'completed' })),
    'tasks/result': ({ message }, response) => sendJson(response, answerTo(message!.id, failed(made))),
    'tasks/list': ({ message }, response) =>
      sendJson(
        response,
        answerTo(message!.id, {
          tasks: tools.map((_, index) => ({ taskId: `t${index}`, status: 'working' })),
        }),
      ),
    'subscriptions/listen': ({ message }, response) => {
      const tell = startStream(response);
      const { notifications } = message!.params as { notifications: object };
      tell({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications } });
      updates.forEach(tell);
      tell({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
      response.end();
    },
    GET(_, response) {
      const tell = startStream(response);
      updates.forEach(tell);
      // What the stream that is resumed had begun.
      tell(answerTo(7, { tools }));
      tell(answerTo(8, { prompts: resources.map((uri) => ({ name: uri.slice('note:///'.length) })) }));
      tell(answerTo(9, failed(String(realName(tools)))));
      response.end();
    },
  };
  for (const [method, answer] of Object.entries(answers)) server.answers.set(method, answer);
}

const answerTo = (id: unknown, result: object) => ({
  jsonrpc: '2.0',
  id,
  result: { ...result, resultType: 'complete' },
});
const failed = (name: string) => ({
  isError: true,
  content: [{ type: 'text', text: `Tool ${name} failed: no such note` }],
});
const realName = (tools: World['tools']): unknown => (tools.at(-1) as { name: string }).name;
