/** Tools that answer at once or stream notifications: what the suite calls in both eras. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENT_CAPABILITIES_META_KEY, fromJsonSchema } from '@modelcontextprotocol/server';
import type { ClientCapabilities, McpServer, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { SCHEMA_2020_12, SCHEMA_WITH_HEADER, WAV_BASE64, embedded, image, text } from './content.ts';

/** What the tools need from the server around them. */
export interface Surroundings {
  toolsChanged: () => void;
  promptsChanged: () => void;
}

const READ_ONLY = { readOnlyHint: true };

export function registerTools(server: McpServer, { toolsChanged, promptsChanged }: Surroundings): void {
  const plain = (
    name: string,
    description: string,
    content: () => ReturnType<typeof text | typeof image | typeof embedded>[],
  ) => server.registerTool(name, { description, annotations: READ_ONLY }, () => ({ content: content() }));
  plain('test_simple_text', 'Returns text', () => [text('This is a simple text response for testing.')]);
  plain('test_image_content', 'Returns an image', () => [image()]);
  plain('test_embedded_resource', 'Returns a resource', () => [
    embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
  ]);
  plain('test_multiple_content_types', 'Returns text, an image and a resource', () => [
    text('Multiple content types test:'),
    image(),
    embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ]);
  server.registerTool('test_audio_content', { description: 'Returns audio', annotations: READ_ONLY }, () => ({
    content: [{ type: 'audio', data: WAV_BASE64, mimeType: 'audio/wav' }],
  }));
  server.registerTool('test_error_handling', { description: 'Always fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  server.registerTool('test_tool_with_logging', { description: 'Logs while it runs' }, (context) =>
    logs(context),
  );
  server.registerTool('test_logging_tool', { description: 'Logs while it runs' }, (context) => logs(context));
  server.registerTool('test_tool_with_progress', { description: 'Reports progress' }, progresses);
  server.registerTool(
    'test_reconnection',
    { description: 'Closes its stream before it answers' },
    async ({ http }) => {
      http?.closeSSE?.();
      await sleep(100);
      return { content: [text('Reconnection test completed')] };
    },
  );
  server.registerTool('test_trigger_tool_change', { description: 'Announces changed tools' }, () => {
    toolsChanged();
    return { content: [text('announced')] };
  });
  server.registerTool('test_trigger_prompt_change', { description: 'Announces changed prompts' }, () => {
    promptsChanged();
    return { content: [text('announced')] };
  });
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Has every keyword', inputSchema: fromJsonSchema(SCHEMA_2020_12) },
    () => ({ content: [text('ok')] }),
  );
  server.registerTool(
    'test_x_mcp_header',
    {
      description: 'Mirrors an argument',
      inputSchema: fromJsonSchema<{ region: string }>(SCHEMA_WITH_HEADER),
    },
    ({ region }) => ({ content: [text(region)] }),
  );
  server.registerTool(
    'slow',
    {
      description: 'Answers after the given time',
      inputSchema: z.object({ ms: z.number().int().min(0).max(600_000) }),
      annotations: READ_ONLY,
    },
    async ({ ms }, { mcpReq }) => {
      await sleep(ms, undefined, { signal: mcpReq.signal });
      return { content: [text(`slept ${ms} ms`)] };
    },
  );
}

/** Capabilities of the client as this request declares them; a session's come from its handshake. */
export function capabilitiesOf(
  { mcpReq }: ServerContext,
  { server }: McpServer,
): ClientCapabilities | undefined {
  // The SDK's type of the envelope names no key.
  const envelope = mcpReq.envelope as Record<string, ClientCapabilities> | undefined;
  return envelope ? envelope[CLIENT_CAPABILITIES_META_KEY] : server.getClientCapabilities();
}

async function logs({ mcpReq }: ServerContext) {
  await mcpReq.log('info', 'Tool execution started');
  await sleep(50);
  await mcpReq.log('info', 'Tool processing data');
  await sleep(50);
  await mcpReq.log('info', 'Tool execution completed');
  return { content: [text('logged three times')] };
}

async function progresses({ mcpReq }: ServerContext) {
  const { _meta: { progressToken } = {} } = mcpReq;
  for (const progress of [0, 50, 100]) {
    if (progressToken !== undefined) {
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100 },
      });
    }
    if (progress < 100) await sleep(50);
  }
  return { content: [text('progress reported')] };
}
