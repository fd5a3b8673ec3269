/** Kept connections, to origins directly and through a proxy. */
import { Agent as HttpAgent, type AgentOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { isExcepted, type UpstreamProxy } from '../upstream/upstream-proxy.ts';
import type { OutboundConfig } from './outbound-config.ts';

export interface Agents {
  /** The agent, and the proxy that it uses. */
  for(url: URL): { readonly agent: HttpAgent; readonly proxy?: string };
  /** Whom to trust from now on. */
  trust(secureContext: SecureContext): void;
  close(): void;
}

/** Of one origin; what finds no connection waits within its own time. */
const KEPT = { keepAlive: true, maxSockets: 16, maxFreeSockets: 2, timeout: 15_000 } as const;

export function createAgents({ https, http, except = '' }: NonNullable<OutboundConfig['proxy']>): Agents {
  const made = new Map<string, HttpAgent>();
  let secureContext: SecureContext | undefined;

  function agent(protocol: string, proxy: string | undefined): HttpAgent {
    const name = `${protocol} ${proxy}`;
    const known = made.get(name);
    if (known) return known;
    const options: AgentOptions = {
      ...KEPT,
      ...(proxy ? { proxyEnv: { HTTPS_PROXY: proxy, HTTP_PROXY: proxy } } : {}),
    };
    const fresh =
      protocol === 'https:' ? new HttpsAgent({ ...options, secureContext }) : new HttpAgent(options);
    made.set(name, fresh);
    return fresh;
  }

  return {
    for({ protocol, hostname, port }) {
      const isTls = protocol === 'https:';
      const proxy = isTls ? https : http;
      const host = hostname.replace(/^\[(.*)\]$/, '$1');
      if (!proxy || isExcepted(host, Number(port || (isTls ? 443 : 80)), except))
        return { agent: agent(protocol, undefined) };
      const through = urlOf(proxy);
      return { agent: agent(protocol, through), proxy: through };
    },
    trust(given) {
      secureContext = given;
      // What is under way ends on the connection that it has; the next one is judged anew.
      for (const [name, before] of made) {
        if (!name.startsWith('https:')) continue;
        made.delete(name);
        for (const free of Object.values(before.freeSockets))
          for (const socket of free ?? []) socket.destroy();
      }
    },
    close() {
      for (const each of made.values()) each.destroy();
    },
  };
}

const urlOf = ({ host, port }: UpstreamProxy): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
