/** The reference server over stdio, behind `kubectl mcp proxy -- COMMAND`. */
import { join } from 'node:path';
import { spawnProxy } from '../plugin/proxy/spawn-proxy.ts';
import { runSuite, type Checks, type SpecVersion } from './suite.ts';

const SERVER = join(import.meta.dirname, 'reference/stdio-server.ts');

/** @param flags of the proxy */
export async function throughStdio(
  eras: 'both' | 'legacy' | 'modern',
  specVersion: SpecVersion,
  flags: readonly string[] = [],
): Promise<Checks> {
  const proxy = await spawnProxy(['--audit', 'none', ...flags, '--', process.execPath, SERVER, eras]);
  try {
    return await runSuite(proxy.url, specVersion);
  } finally {
    await proxy.stop();
  }
}
