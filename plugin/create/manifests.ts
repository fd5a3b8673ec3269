/** Kubernetes objects in a file of the user's, or in what is piped in. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { KubernetesObject } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { CliError } from '../errors.ts';
import type { Streams } from '../streams.ts';

/**
 * @param file a path, or `-` for what is piped in.
 * @throws {CliError} that names the file, or the document in it.
 */
export async function readManifests(file: string, streams: Streams): Promise<KubernetesObject[]> {
  const content = await contentOf(file, streams);
  return parseAllDocuments(content, { version: '1.1' }).flatMap((document, index) => {
    const where = `${file === '-' ? 'stdin' : file}, document ${index + 1}`;
    const [fault] = document.errors;
    if (fault) throw new CliError(`${where}: ${fault.message.split('\n')[0]}`, { cause: fault });
    const object = document.toJS() as List | null;
    const objects = object?.kind === 'List' ? (object.items ?? []) : [object];
    return objects.filter((each) => each !== null).map((each) => asObject(each, where));
  });
}

type List = KubernetesObject & { items?: KubernetesObject[] };

function asObject(value: KubernetesObject, where: string): KubernetesObject {
  const { kind, apiVersion, metadata } = value;
  if (kind && apiVersion && (metadata?.name || metadata?.generateName)) return value;
  throw new CliError(`${where} is not a Kubernetes object: it needs apiVersion, kind and metadata.name`);
}

async function contentOf(file: string, streams: Streams): Promise<string> {
  if (file === '-') return text(streams.in);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CliError(missing ? `the path "${file}" does not exist` : (error as Error).message, {
      cause: error,
    });
  }
}
