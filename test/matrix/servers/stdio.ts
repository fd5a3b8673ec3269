/** A server of stdio behind `kubectl mcp proxy -- COMMAND`. */
import { spawnProxy } from '../../plugin/proxy/spawn-proxy.ts';
import type { MatrixServer } from './servers.ts';

/** Its callers have no names, and what a server keeps between calls is compared too. */
const FLAGS = ['--auth=none', '--stdio-modern=shared'];

/** @param overHttp the same server, for what clients get of it without the sidecar */
export function stdio(name: string, overHttp: MatrixServer, command: () => readonly string[]): MatrixServer {
  return {
    ...overHttp,
    name,
    overHttp,
    transport: 'stdio',
    async start() {
      const proxy = await spawnProxy([...FLAGS, `--deny-tools=${overHttp.denied}`, '--', ...command()]);
      return { port: Number(new URL(proxy.url).port), stop: async () => void (await proxy.stop()) };
    },
  };
}
