/** What the image of a new server starts, as the annotations that say it. */
import { commandOf, imageWithDigest } from '../enable/image-command.ts';
import type { WantedAnnotations } from '../enable/template.ts';
import { localCredentials } from '../registry/credentials.ts';
import { readEntryPoint, referenceOf } from '../registry/entry-point.ts';

const WRITE_IT = 'Give what it starts behind --, as in: -- node server.js; nothing is read then';

interface EntryPointOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly plainHttp: boolean;
  readonly signal: AbortSignal;
}

/** @throws {CliError} that names image, cause and what to do. */
export async function entryPointAnnotations(
  image: string,
  { env, plainHttp, signal }: EntryPointOptions,
): Promise<WantedAnnotations> {
  const credentials = await localCredentials(referenceOf(image), env);
  const entry = await readEntryPoint(image, { credentials, plainHttp, signal, otherwise: WRITE_IT });
  return {
    command: JSON.stringify(commandOf(entry, undefined)),
    'command-image': imageWithDigest(image, entry.digest),
  };
}
