/** From what an image starts to what is written down. Pure. */
import type { EntryPoint } from '../registry/entry-point.ts';

/**
 * Arguments of the container take the place of the CMD, as they do without us. What the runtime would have taken from
 * the image goes through Kubernetes now, which expands `$(NAME)`: `$$` stands for one `$`.
 */
export const commandOf = (
  { entrypoint, cmd }: Pick<EntryPoint, 'entrypoint' | 'cmd'>,
  args: readonly string[] | undefined,
): string[] => [...entrypoint, ...(args && args.length > 0 ? [] : cmd)].map(literally);

const literally = (word: string): string => (/\$[$(]/.test(word) ? word.replaceAll('$', '$$$$') : word);

/** @param image as the container names it, perhaps with the digest. */
export const imageWithDigest = (image: string, digest: string): string =>
  image.includes('@') ? image : `${image}@${digest}`;
