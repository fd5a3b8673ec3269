/** A server of the TypeScript SDK, v2: both eras, each request with an instance of its own. */
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';
import { answers, serveRecorder, type Recording } from './recording.ts';

let recording: Recording = [];
const handle = toNodeHandler(createMcpHandler(build, { legacy: 'stateless', responseMode: 'json' }));

serveRecorder((request, response, current) => {
  recording = current;
  return Promise.resolve(handle(request, response));
});

function build() {
  const server = new Server(
    { name: 'recorder', version: '1' },
    { capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} } },
  );
  server.setRequestHandler('tools/call', ({ method, params }) => {
    recording.push({ method, params });
    return answers['tools/call'];
  });
  server.setRequestHandler('prompts/get', ({ method, params }) => {
    recording.push({ method, params });
    return answers['prompts/get'];
  });
  server.setRequestHandler('resources/read', ({ method, params }) => {
    recording.push({ method, params });
    return answers['resources/read'];
  });
  server.setRequestHandler('completion/complete', ({ method, params }) => {
    recording.push({ method, params });
    return answers['completion/complete'];
  });
  server.setRequestHandler('tools/list', ({ method, params }) => {
    recording.push({ method, params: params ?? {} });
    return answers['tools/list'];
  });
  return server;
}
