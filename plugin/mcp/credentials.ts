/** What a call shows to the sidecar: a token made for this workload, one from its Secret, or nothing. */
import { readFile } from 'node:fs/promises';
import { readCallerFile } from '../../sidecar/auth/read-tokens.ts';
import { authWords, kindsOf } from '../../sidecar/auth/auth-config.ts';
import { type CertificateFlags, type ClientCertificate, clientCertificate } from './client-certificate.ts';
import { CliError, usageError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { apiStatusOf, isForbidden, isNotFound } from '../kube/errors.ts';
import type { Target } from '../kube/target.ts';
import { mintToken } from '../kube/token.ts';

export interface CallerFlags extends CertificateFlags {
  /** `[NAMESPACE/]NAME`. */
  readonly asServiceaccount?: string;
  /** Key of the token Secret: the caller's name. */
  readonly tokenFromSecret?: string;
  /** Path of a file that holds the token. */
  readonly tokenFromFile?: string;
}

export interface Caller {
  /** Never printed. */
  readonly token?: string;
  /** Shown in the TLS handshake. */
  readonly certificate?: ClientCertificate;
  /** Who the sidecar will see, for messages. */
  readonly title: string;
}

/** @throws {CliError} when the flags do not fit the workload's auth, or the user may not get such a token. */
export async function credentialsFor(cluster: Cluster, target: Target, flags: CallerFlags): Promise<Caller> {
  const kinds = kindsOf(target.server.auth);
  const words = authWords(target.server.auth);
  const kubernetes = kinds.find((each) => each.mode === 'kubernetes');
  const tokens = kinds.find((each) => each.mode === 'token');
  if (flags.asServiceaccount && !kubernetes) {
    throw usageError(`--as-serviceaccount: ${target.title} has auth ${words}, not kubernetes`);
  }
  if (flags.tokenFromSecret && !tokens) {
    throw usageError(`--token-from-secret: ${target.title} has auth ${words}, not token`);
  }
  const certificate = await clientCertificate(flags);
  if (certificate) {
    if (!kinds.some(({ mode }) => mode === 'mtls'))
      throw usageError(`--mcp-client-certificate: ${target.title} has auth ${words}, not mtls`);
    if (
      [flags.tokenFromFile, flags.tokenFromSecret, flags.asServiceaccount].some((each) => each !== undefined)
    )
      throw usageError(
        '--mcp-client-certificate and a token may not be used together: the token would count',
      );
    return { title: `the certificate of ${flags.mcpClientCertificate}`, certificate };
  }
  if (words === 'mtls')
    throw usageError(
      `${target.title} has auth mtls: its callers show a client certificate\nGive one: --mcp-client-certificate FILE --mcp-client-key FILE`,
    );
  if (flags.tokenFromFile !== undefined) {
    if (kinds.length === 0) throw usageError(`--token-from-file: ${target.title} has auth none`);
    return { title: flags.tokenFromFile, token: await tokenIn(flags.tokenFromFile) };
  }
  if (kinds.length === 0) return { title: 'anonymous' };
  if (kubernetes && !flags.tokenFromSecret) {
    return fromServiceAccount(cluster, target, kubernetes.audience, flags.asServiceaccount);
  }
  if (!tokens)
    throw usageError(
      `${target.title} has auth ${words}: this command cannot get such a token\nGive one: --token-from-file FILE`,
    );
  const [kind, name = ''] = tokens.source.split('/', 2);
  if (kind === 'secret') return fromSecret(cluster, target, name, flags.tokenFromSecret);
  throw usageError(
    `${target.title} takes tokens from volume ${name} of its pods, which only they can read\nGive one: --token-from-file FILE`,
  );
}

async function tokenIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CliError(`--token-from-file: cannot read ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function fromServiceAccount(
  cluster: Cluster,
  target: Target,
  audience: string,
  account = 'default',
): Promise<Caller> {
  const [namespace, serviceAccount] = account.includes('/')
    ? (account.split('/') as [string, string])
    : [target.namespace, account];
  const title = `system:serviceaccount:${namespace}:${serviceAccount}`;
  try {
    return { title, token: await mintToken(cluster, { namespace, serviceAccount, audience }) };
  } catch (error) {
    if (isNotFound(error)) {
      throw new CliError(
        `no serviceaccount "${serviceAccount}" in namespace ${namespace} to call as\nChoose another: --as-serviceaccount [NAMESPACE/]NAME`,
        { cause: error },
      );
    }
    if (isForbidden(error)) {
      throw new CliError(
        `you may not mint a token of serviceaccount "${serviceAccount}" in namespace ${namespace}: ${apiStatusOf(error)?.message}\nNeeded: create on serviceaccounts/token. Choose another account: --as-serviceaccount [NAMESPACE/]NAME`,
        { cause: error },
      );
    }
    throw error;
  }
}

async function fromSecret(cluster: Cluster, target: Target, secret: string, key?: string): Promise<Caller> {
  const data = await readSecret(cluster, target.namespace, secret);
  const keys = Object.keys(data).toSorted();
  if (keys.length === 0) {
    throw new CliError(
      `secret/${secret} in namespace ${target.namespace} has no key, so nobody may call ${target.title}\nAdd a caller: kubectl mcp token create ${target.title} CALLER -n ${target.namespace}`,
    );
  }
  if (key !== undefined && data[key] === undefined) {
    throw new CliError(
      `secret/${secret} in namespace ${target.namespace} has no key "${key}"; its keys: ${keys.join(', ')}`,
    );
  }
  for (const caller of key === undefined ? keys : [key]) {
    const token = readableToken(Buffer.from(data[caller]!, 'base64'));
    if (token !== undefined) return { title: caller, token };
  }
  throw new CliError(
    `secret/${secret} in namespace ${target.namespace} holds no token${key === undefined ? '' : ` of "${key}"`} to call with, but digests of tokens that their callers have\nGive one: --token-from-file FILE. Make one: kubectl mcp token create ${target.title} CALLER -n ${target.namespace} > FILE`,
  );
}

/** The last that is there: the one that is good for longest. What the proxy would not read is left to it to refuse. */
function readableToken(content: Buffer): string | undefined {
  const read = readCallerFile(content);
  return 'fault' in read
    ? content.toString('utf8').trim()
    : read.records.findLast(({ plain }) => plain !== undefined)?.plain;
}

async function readSecret(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<Record<string, string>> {
  try {
    return (await cluster.core.readNamespacedSecret({ namespace, name })).data ?? {};
  } catch (error) {
    const status = apiStatusOf(error);
    if (!isNotFound(error) && !isForbidden(error)) throw error;
    throw new CliError(
      `cannot read the tokens of secret/${name} in namespace ${namespace}: ${status?.message}`,
      { cause: error },
    );
  }
}
