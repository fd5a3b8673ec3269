/** Notifications of progress that come all at once, to callers who all use the same token: what of it arrives, and where. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Target } from '../targets.ts';

export const BURST = 50;
const CLIENTS = 16;
const TIMES = 5;
const TIMEOUT_MS = 10_000;

interface Progress {
  readonly progress: number;
  readonly message?: string | undefined;
}

/** Whose name is in each, and the numbers rise by one. */
export const arrived = (seen: readonly Progress[], name: string): boolean =>
  seen.length === BURST && seen.every(({ progress, message }, at) => progress === at + 1 && message === name);

/** In words: how many of the calls got all that was theirs, in order. */
export async function bursts({ port, token }: Pick<Target, 'port' | 'token'>): Promise<string> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, at) => {
      const client = new Client({ name: `client-${at}`, version: '1' });
      const requestInit = { headers: { Authorization: `Bearer ${token}` } };
      const url = new URL(`http://127.0.0.1:${port}/mcp`);
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit }) as Transport);
      return { client, name: `client-${at}` };
    }),
  );
  const calls: { readonly seen: Progress[]; readonly name: string }[] = [];
  try {
    for (let time = 0; time < TIMES; time++)
      await Promise.all(
        clients.map(async ({ client, name }) => {
          const call = { seen: [] as Progress[], name };
          calls.push(call);
          const onprogress = (progress: Progress): void => void call.seen.push(progress);
          const params = { name: 'burst', arguments: { text: name } };
          await client.callTool(params, undefined, { onprogress, timeout: TIMEOUT_MS });
        }),
      );
  } finally {
    await Promise.allSettled(clients.map(({ client }) => client.close()));
  }
  const whole = calls.filter(({ seen, name }) => arrived(seen, name)).length;
  const came = calls.reduce((sum, { seen }) => sum + seen.length, 0);
  return `${whole} of ${calls.length} calls (${came} of ${calls.length * BURST} notifications)`;
}
