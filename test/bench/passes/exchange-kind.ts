import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { UpstreamTokenConfig } from '../../../sidecar/upstream/token/token-config.ts';
import { mount } from '../kinds.ts';

const LIFE_SECONDS = 36_000;

/** A server that is given tokens of a length as providers make them; of the endpoint there is no more than that. */
export async function exchangeKind(directory: string): Promise<UpstreamTokenConfig> {
  const client = join(directory, 'client');
  mount(client, { client_id: 'bench', client_secret: 'bench' });
  const answer = JSON.stringify({
    access_token: 't'.repeat(900),
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: LIFE_SECONDS,
  });
  const endpoint = createServer((_, response) => void response.end(answer));
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  // It ends with the bench.
  endpoint.unref();
  const { port } = endpoint.address() as AddressInfo;
  return {
    mode: 'exchange',
    url: `http://127.0.0.1:${port}/token`,
    client: { source: 'secret/bench', directory: client },
    clientAuth: 'basic',
    audience: ['bench'],
  };
}
