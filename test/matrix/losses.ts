import type { Feature } from './steps.ts';

/** What a client does not get through the sidecar that it, or another, gets of the server directly. */
export interface Loss {
  readonly clients: RegExp;
  readonly servers: RegExp;
  readonly features: readonly (Feature | 'connect')[];
  readonly why: string;
}

const MODERN_CLIENTS = /^TypeScript SDK 2|^Python SDK 2\.3\.0$|^Go SDK/;

export const LOSSES: readonly Loss[] = [
  {
    clients: MODERN_CLIENTS,
    servers: /^Python SDK 2\.3\.0, HTTP\+SSE$/,
    features: ['list changed'],
    why: 'the server tells of changed tools and does not declare `tools.listChanged`, without which `subscriptions/listen` promises nothing',
  },
  {
    clients: MODERN_CLIENTS,
    servers: /^server-everything, stdio$/,
    features: ['tools', 'roots'],
    why: 'callers without names have one process of the server in common (`stdio-modern: shared`), which is told of nobody’s roots, and then shows no tool for them',
  },
];

export const lossesOf = (client: string, server: string): Loss[] =>
  LOSSES.filter(({ clients, servers }) => clients.test(client) && servers.test(server));
