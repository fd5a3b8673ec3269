/** Clients of either era that call `ask`, and answer when they are told to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { postModern } from '../../sidecar/wire/modern-meta.ts';
import { HEADERS, INITIALIZE, post } from '../../sidecar/wire/post.ts';

/** What the client was asked, and what the server made of its answer. */
export interface Exchanged {
  readonly asked: unknown;
  readonly said: unknown;
}

export interface AskedClient {
  call(question: string, answer: string, thinksMs: number): Promise<Exchanged>;
}

export type ConnectAsked = (
  url: string,
  who: { readonly name: string; readonly headers: Record<string, string> },
) => Promise<AskedClient>;

const CAPABILITIES = { elicitation: {} };
const accepted = (answer: string) => ({ action: 'accept', content: { answer } });

export const modernClient: ConnectAsked = async (url, { name, headers }) => {
  let id = 0;
  const meta = { 'io.modelcontextprotocol/clientInfo': { name, version: '1' } };
  return {
    async call(question, answer, thinksMs) {
      const params = { name: 'ask', arguments: { question } };
      const options = { capabilities: CAPABILITIES, headers, meta };
      const first = await postModern(url, 'tools/call', params, { ...options, id: ++id });
      const { inputRequests, requestState } = first.last.result;
      const [[key, asked]] = Object.entries(inputRequests) as [[string, { params: { message: unknown } }]];
      await sleep(thinksMs);
      const more = { requestState, inputResponses: { [key]: accepted(answer) } };
      const { last } = await postModern(url, 'tools/call', { ...params, ...more }, { ...options, id: ++id });
      return { asked: asked.params.message, said: last.result.content[0].text };
    },
  };
};

export const legacyClient: ConnectAsked = async (url, { name, headers }) => {
  const params = { ...INITIALIZE.params, capabilities: CAPABILITIES, clientInfo: { name, version: '1' } };
  const opened = await post(url, { ...INITIALIZE, params }, headers);
  const session = { ...headers, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
  await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, session);
  let id = 0;
  return {
    async call(question, answer, thinksMs) {
      const message = {
        jsonrpc: '2.0',
        id: ++id,
        method: 'tools/call',
        params: { name: 'ask', arguments: { question } },
      };
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...HEADERS, ...session },
        body: JSON.stringify(message),
      });
      let asked: unknown;
      for await (const each of messagesOf(response)) {
        if (each.method === undefined) return { asked, said: each.result?.content[0]?.text ?? each };
        asked = each.params?.message;
        await sleep(thinksMs);
        await post(url, { jsonrpc: '2.0', id: each.id, result: accepted(answer) }, session);
      }
      throw new Error(`${name}: the stream of ${question} ended`);
    },
  };
};

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly message?: unknown };
  readonly result?: { readonly content: readonly { readonly text: string }[] };
}

async function* messagesOf(response: Response): AsyncGenerator<Message> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
    return yield JSON.parse(await response.text()) as Message;
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = /^data: ?(.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data) yield JSON.parse(data) as Message;
    }
  }
}
