/** The same by `kubectl mcp proxy`, which is how suites of others meet the sidecar. */
import { spawnProxy } from '../plugin/proxy/spawn-proxy.ts';
import type { RunningSidecar } from './sidecar.ts';

export async function startProxy(upstreamPort: number): Promise<RunningSidecar> {
  // A filter that lets all through, and an audit line for each request: what the suite sees must not change by them.
  const filter = ['--allow-tools', '*', '--deny-tools', 'no-such-tool'];
  const { url, stop } = await spawnProxy(['--upstream', `http://127.0.0.1:${upstreamPort}/mcp`, ...filter]);
  return { url, stop: async () => void (await stop()) };
}
