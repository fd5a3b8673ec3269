/** By what the certificate of a workload's listen port is accepted. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CliError } from '../errors.ts';
import { serviceSelects } from '../enable/workload.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden, isNotFound } from '../kube/errors.ts';
import type { FarTls } from '../kube/far-tls.ts';
import type { Target } from '../kube/target.ts';
import { listServices } from '../kube/workloads.ts';
import { namesOfService } from '../sources/names.ts';

export interface TrustFlags {
  readonly mcpCertificateAuthority?: string;
  readonly mcpInsecureSkipTlsVerify?: boolean;
}

export interface Trust {
  readonly tls: FarTls;
  /** Where `ca` comes from, for messages. */
  readonly source: string;
}

/**
 * The CA of the flag, else the Secret's `ca.crt`, else its certificate itself, else, where the user may not read the
 * Secret, the CAs that every program knows.
 * @returns undefined where the port speaks plainly.
 */
export async function trustOf(
  cluster: Cluster,
  target: Target,
  flags: TrustFlags,
): Promise<Trust | undefined> {
  const { tls, publicUrl } = target.server;
  if (!tls) return undefined;
  if (flags.mcpInsecureSkipTlsVerify) return { tls: { names: [], insecure: true }, source: 'nothing' };
  const secret = tls.source.replace(/^secret\//, '');
  const data = await readTlsSecret(cluster, target.namespace, secret);
  const all = [
    ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname]),
    ...(await serviceNames(cluster, target)),
    // The API server leads to the pod; a certificate for other names than its Services' is doctor's business.
    ...sansOf(data?.['tls.crt']),
  ];
  const names = [...new Set(all)];
  const file = flags.mcpCertificateAuthority;
  if (file !== undefined) return { tls: { names, ca: await read(file) }, source: file };
  const ca = data?.['ca.crt'] ?? data?.['tls.crt'];
  return ca === undefined
    ? { tls: { names }, source: `the CAs that Node knows (Secret ${secret} cannot be read)` }
    : { tls: { names, ca }, source: `Secret ${secret}` };
}

/** @throws {CliError} where the file cannot be read. */
async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(`--mcp-certificate-authority: cannot read ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Undefined where it is not there, or not for this user. */
async function readTlsSecret(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<Record<string, string> | undefined> {
  try {
    const { data = {} } = await cluster.core.readNamespacedSecret({ namespace, name });
    return Object.fromEntries(
      Object.entries(data)
        .filter(([key]) => key !== 'tls.key')
        .map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
    );
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return undefined;
    throw error;
  }
}

async function serviceNames(cluster: Cluster, { namespace, labels }: Target): Promise<string[]> {
  const services = await listServices(cluster, namespace).catch((error: unknown) => {
    if (isForbidden(error)) return [];
    throw error;
  });
  return services
    .filter((each) => serviceSelects(each.spec?.selector, labels))
    .flatMap(({ metadata }) => namesOfService(metadata!.name!, namespace));
}

function sansOf(pem: string | undefined): string[] {
  try {
    const { subjectAltName = '' } = new X509Certificate(pem ?? '');
    return subjectAltName.split(', ').flatMap((each) => /^(?:DNS|IP Address):(.+)$/.exec(each)?.[1] ?? []);
  } catch {
    return [];
  }
}
