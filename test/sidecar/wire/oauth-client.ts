/** What a client of OAuth keeps, and a user who signs in: nobody looks at a browser. */
import type { OAuthClientProvider as V1Provider } from '@modelcontextprotocol/sdk/client/auth.js';
import {
  Client as ModernClient,
  type OAuthClientProvider,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { TestProvider } from '../../rig/oidc-provider.ts';

interface Stored {
  client_id: string;
  [key: string]: unknown;
}
interface StoredTokens {
  access_token: string;
  token_type: string;
  scope?: string;
  refresh_token?: string;
}

export interface TestUser {
  /** Of both lines of the SDK. */
  readonly provider: OAuthClientProvider & V1Provider;
  tokens?: StoredTokens | undefined;
  /** Where the user was sent, from the first time on. */
  readonly sent: URL[];
  /** Signs in where the user was sent last; what the client's callback is asked with. */
  signIn(at: TestProvider): Promise<URLSearchParams>;
}

const REDIRECT = 'http://127.0.0.1:33418/callback';

export function newUser(): TestUser {
  let information: Stored | undefined;
  let verifier = '';
  let state = '';
  let discovery: object | undefined;
  const user: TestUser = {
    sent: [],
    async signIn(at) {
      const back = await at.browse(user.sent.at(-1)!);
      if (!back.href.startsWith(REDIRECT) || back.searchParams.get('state') !== state)
        throw new Error(`the user came back at ${back.href}`);
      return back.searchParams;
    },
    provider: {
      redirectUrl: REDIRECT,
      clientMetadata: {
        client_name: 'wire-test',
        redirect_uris: [REDIRECT],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
      },
      state: () => (state = crypto.randomUUID()),
      clientInformation: () => information,
      saveClientInformation: (given: object) => void (information = given as Stored),
      tokens: () => user.tokens,
      saveTokens: (given: object) => void (user.tokens = given as StoredTokens),
      redirectToAuthorization: (url: URL) => void user.sent.push(url),
      saveCodeVerifier: (given: string) => void (verifier = given),
      codeVerifier: () => verifier,
      saveDiscoveryState: (given: object) => void (discovery = given),
      discoveryState: () => discovery,
    } as OAuthClientProvider & V1Provider,
  };
  return user;
}

const INFO = { name: 'wire-test', version: '1' };

interface Connected {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(of: { name: string; arguments: object }): Promise<object>;
  finishAuth(params: URLSearchParams): Promise<void>;
  close(): Promise<void>;
}

/** One connection of a client: where it is refused, `finishAuth` has what is needed to come again. */
export type Dial = (url: string, user: TestUser) => { connected: Promise<unknown>; client: Connected };

export const v1: Dial = (url, { provider }) => {
  const client = new Client(INFO);
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
  return {
    connected: client.connect(transport as Transport),
    client: {
      listTools: () => client.listTools(),
      callTool: (of) => client.callTool(of as { name: string; arguments: Record<string, unknown> }),
      finishAuth: (params) => transport.finishAuth(params.get('code')!),
      close: () => client.close(),
    },
  };
};

export const v2: Dial = (url, { provider }) => {
  const client = new ModernClient(INFO, { versionNegotiation: { mode: 'auto' } });
  const transport = new ModernTransport(new URL(url), { authProvider: provider });
  return {
    connected: client.connect(transport),
    client: {
      listTools: () => client.listTools(),
      callTool: (of) => client.callTool(of as { name: string; arguments: Record<string, unknown> }),
      finishAuth: (params) => transport.finishAuth(params),
      close: () => client.close(),
    },
  };
};

/** The user has been sent to log in. Client 1 gives the error no name. */
export const isUnauthorized = (error: Error): boolean => error.constructor.name === 'UnauthorizedError';
