/** The second line of the TypeScript SDK: pinned to 2026-07-28, or as it finds the server. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { LoggingLevel } from '@modelcontextprotocol/client';
import { ROOT, SAMPLED, type Seen, type Step } from '../steps.ts';
import { contentText, newNotebook, runSteps, type Driver, type Notebook } from './typescript.ts';

export async function runV2(
  url: string,
  steps: readonly Step[],
  mode: 'auto' | { pin: string },
): Promise<Seen> {
  const notebook = newNotebook();
  const client = newClient(notebook, mode);
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return runSteps(driverOf(client), notebook, steps);
}

function newClient(notebook: Notebook, mode: 'auto' | { pin: string }): Client {
  const capabilities = { elicitation: {}, sampling: {}, roots: {} };
  const client = new Client(
    { name: `matrix ${JSON.stringify(mode)}`, version: '1' },
    { capabilities, versionNegotiation: { mode } },
  );
  client.setRequestHandler('elicitation/create', ({ params }) => {
    notebook.asked.push(params.message);
    return { action: 'accept' as const, content: notebook.answer as Record<string, string> };
  });
  client.setRequestHandler('sampling/createMessage', ({ params }) => {
    notebook.asked.push(...params.messages.map(({ content }) => contentText(content)));
    const content = { type: 'text' as const, text: SAMPLED };
    return { role: 'assistant' as const, content, model: 'm' };
  });
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: ROOT, name: 'here' }] }));
  client.setNotificationHandler(
    'notifications/message',
    ({ params }) => void notebook.logged.push(`${params.level} ${String(params.data)}`),
  );
  client.setNotificationHandler(
    'notifications/resources/updated',
    ({ params }) => void notebook.changed.push(params.uri),
  );
  client.setNotificationHandler(
    'notifications/tools/list_changed',
    () => void notebook.changed.push('tools'),
  );
  return client;
}

function driverOf(client: Client): Driver {
  const modern = client.getProtocolEra() === 'modern';
  return {
    version: client.getNegotiatedProtocolVersion() ?? '',
    modern,
    request(what, cursor) {
      const page = cursor === undefined ? {} : { cursor };
      if (what === 'tools') return client.listTools(page);
      if (what === 'prompts') return client.listPrompts(page);
      return what === 'resources' ? client.listResources(page) : client.listResourceTemplates(page);
    },
    callTool: (params, { onprogress, signal }) =>
      client.callTool(params, {
        ...(onprogress ? { onprogress: (each) => onprogress(each.progress) } : {}),
        ...(signal ? { signal } : {}),
      }),
    getPrompt: (params) => client.getPrompt(params),
    readResource: (uri) => client.readResource({ uri }),
    complete: (params) => client.complete(params),
    setLevel: (level) => client.setLoggingLevel(level as LoggingLevel),
    async listen(uri) {
      if (modern) {
        const subscription = await client.listen(
          uri === undefined ? { toolsListChanged: true } : { resourceSubscriptions: [uri] },
        );
        return () => subscription.close();
      }
      if (uri === undefined) return () => Promise.resolve();
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
    ping: () => client.ping(),
    close: () => client.close(),
  };
}
