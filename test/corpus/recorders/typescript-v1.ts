/** A server of the TypeScript SDK, v1: one of its instances for each request, as its stateless example does. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { answers, serveRecorder, type Recording } from './recording.ts';

serveRecorder(async (request, response, recording) => {
  const server = build(recording);
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.on('close', () => void server.close());
  // Its types are not written for exactOptionalPropertyTypes.
  await server.connect(transport as Parameters<Server['connect']>[0]);
  await transport.handleRequest(request, response);
});

function build(recording: Recording): Server {
  const server = new Server(
    { name: 'recorder', version: '1' },
    { capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} } },
  );
  server.setRequestHandler(CallToolRequestSchema, ({ method, params }) => {
    recording.push({ method, params });
    return answers['tools/call'];
  });
  server.setRequestHandler(GetPromptRequestSchema, ({ method, params }) => {
    recording.push({ method, params });
    return answers['prompts/get'];
  });
  server.setRequestHandler(ReadResourceRequestSchema, ({ method, params }) => {
    recording.push({ method, params });
    return answers['resources/read'];
  });
  server.setRequestHandler(CompleteRequestSchema, ({ method, params }) => {
    recording.push({ method, params });
    return answers['completion/complete'];
  });
  server.setRequestHandler(ListToolsRequestSchema, ({ method, params }) => {
    recording.push({ method, params: params ?? {} });
    return answers['tools/list'];
  });
  return server;
}
