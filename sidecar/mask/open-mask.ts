import type { ServerConfig } from '../config.ts';
import type { Pass } from '../passes.ts';

/** Nothing is loaded where nothing is masked. */
export async function openMask({ mask }: Pick<ServerConfig, 'mask'>): Promise<readonly Pass[]> {
  if (mask !== 'default') return [];
  const { createMasking } = await import('./masking.ts');
  return [createMasking()];
}
