/** What the recorders of the TypeScript SDKs share: an HTTP server, and the list that GET /recorded returns and empties. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server understood of one request. */
export interface Understood {
  readonly method: string;
  readonly params: object;
}

export type Recording = Understood[];

/** Fresh ones, for the SDKs write into results. */
export const answers = {
  get 'tools/call'() {
    return { content: [] };
  },
  get 'prompts/get'() {
    return { messages: [] };
  },
  get 'resources/read'() {
    return { contents: [] };
  },
  get 'completion/complete'() {
    return { completion: { values: [] } };
  },
  get 'tools/list'() {
    return { tools: [] };
  },
};

/** Prints its port, and serves until it is killed. */
export function serveRecorder(
  handle: (request: IncomingMessage, response: ServerResponse, recording: Recording) => Promise<void>,
): void {
  let recording: Recording = [];
  const server = createServer((request, response) => {
    if (request.url === '/recorded') {
      response.end(JSON.stringify(recording));
      recording = [];
      return;
    }
    handle(request, response, recording).catch((error: unknown) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1', () =>
    console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })),
  );
}
