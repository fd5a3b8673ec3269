/** A legacy server of one tool, which tells the headers of its own request: what the proxy sends it. */
import { createServer, type IncomingMessage } from 'node:http';

const PORT = 3001;
const TOOLS = ['headers', 'spare'].map((name) => ({
  name,
  inputSchema: { type: 'object' },
  annotations: { readOnlyHint: true },
}));

/** As one line that `node -e` takes; the function must need nothing but its arguments. */
export const headerServerScript = (): string =>
  `(${serve.toString()})(require('node:http').createServer, ${JSON.stringify(TOOLS)}, ${PORT})`;

function serve(create: typeof createServer, tools: object[], port: number): void {
  const resultOf = (request: IncomingMessage, method: string): object | undefined => {
    if (method === 'initialize') {
      return {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'headers', version: '1' },
      };
    }
    if (method === 'tools/list') return { tools };
    if (method === 'tools/call')
      return { content: [{ type: 'text', text: JSON.stringify(request.headers) }] };
    return undefined;
  };
  create((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const { id, method } = JSON.parse(text) as { id?: number; method: string };
      if (id === undefined) return void response.writeHead(202).end();
      const result = resultOf(request, method);
      const error = { code: -32601, message: 'Method not found' };
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error }) }));
    });
  }).listen(port);
}
