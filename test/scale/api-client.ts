/** The API server of the rig's cluster, over connections that are kept: kubectl takes 100 ms for each call. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { certificateOf, keyOf } from '../rig/cluster/certificates.ts';
import { layoutOf, NET } from '../rig/cluster/layout.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}
export type ApiClient = ReturnType<typeof createApiClient>;

export function createApiClient() {
  const layout = layoutOf(process.env);
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 64,
    ca: readFileSync(certificateOf(layout, 'ca')),
    cert: readFileSync(certificateOf(layout, 'admin')),
    key: readFileSync(keyOf(layout, 'admin')),
  });
  const send = (method: string, path: string, body?: object | string): Promise<ApiAnswer> =>
    new Promise((resolve, reject) => {
      const options = { host: NET.nodeAddress, port: NET.apiPort, method, path, agent };
      const sent = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject);
      });
      sent.setTimeout(60_000, () => sent.destroy(new Error(`${method} ${path}: no answer in 60 s`)));
      if (body) sent.setHeader('content-type', 'application/json');
      sent.on('error', reject).end(typeof body === 'object' ? JSON.stringify(body) : body);
    });
  return {
    /** @throws unless the answer is 2xx. */
    async ask(method: string, path: string, body?: object | string): Promise<string> {
      const { status, text } = await send(method, path, body);
      if (status >= 200 && status < 300) return text;
      throw new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`);
    },
    send,
    close: () => agent.destroy(),
  };
}
