/** The sidecar's configuration, from flags or from a document of its own, with what is different without a pod. Pure. */
import { kindsOf, type AuthConfig } from '../../sidecar/auth/auth-config.ts';
import { CONFIG_VERSION, ConfigError, LISTEN_PATH, parseConfig } from '../../sidecar/config.ts';
import type { SidecarConfig } from '../../sidecar/config.ts';
import { configOf } from '../../webhook/configuration.ts';
import { wordsOf } from '../../webhook/idle-keys.ts';
import { PREFIX } from '../../webhook/names.ts';
import { parseAnnotations } from '../../webhook/parse-annotations.ts';
import { refusalText } from '../../webhook/refusals.ts';
import type { WantedAnnotations } from '../enable/template.ts';
import { CliError, usageError } from '../errors.ts';
import { isLoopback, type Listen, type Upstream } from './addresses.ts';
import { inFlags } from './annotations.ts';
import type { FileKind } from './file-flags.ts';
import { localAuth, needsCluster } from './local-auth.ts';

/** What the command line says beside annotations; it goes before a document. */
export interface Local {
  readonly auth?: string | undefined;
  readonly audit?: 'stdout' | 'none' | undefined;
  readonly listen?: Listen | undefined;
  readonly adminPort?: number | undefined;
  readonly upstream?: Upstream | undefined;
  /** Any certificate of the server is taken. */
  readonly skipVerify?: boolean | undefined;
  readonly files: Partial<Record<FileKind, Followed>>;
  /** The part of the drain path that nobody knows. */
  readonly secret: string;
  /** HTTPS_PROXY and its like. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** As the sidecar's document names a mounted directory. */
export interface Followed {
  readonly source: string;
  readonly directory: string;
}

const DEFAULT_NAME = 'local';
const NAMESPACE = 'default';
const DRAIN_TIMEOUT_MS = 25_000;

/** What is started, with its arguments. */
export interface StdioCommand {
  readonly command: readonly string[];
}

/** @throws {CliError} with every fault, in words of the flags. */
export function configFromFlags(
  annotations: WantedAnnotations,
  local: Omit<Local, 'upstream'> & { readonly upstream: Upstream | StdioCommand; readonly listen: Listen },
): SidecarConfig {
  const { listen, upstream: given, auth = 'none', adminPort = 0 } = local;
  const { command } = { command: undefined, ...given };
  const upstream = 'command' in given ? undefined : given;
  const name = annotations.name ?? DEFAULT_NAME;
  const [listenText, adminText] = checkable([listen.port, adminPort], [upstream?.port]);
  const texts = {
    // Nobody here shares what another's request has left behind, unless that is said.
    ...(command && { transport: 'stdio', ...(auth === 'none' && isIsolated(annotations) && PER_REQUEST) }),
    ...annotations,
    inject: 'true',
    name,
    ...(upstream && placeOf(upstream)),
    auth,
    'listen-port': `${listenText}`,
    'admin-port': `${adminText}`,
    // Where it is, the file says.
    ...(wordsOf(auth).includes('token') && { 'token-secret': 'auth-token-file' }),
    ...(local.files.clientAuthority && { 'mtls-ca-secret': 'client-ca-file' }),
    ...(local.files.tls && wordsOf(auth).includes('mtls') && { 'tls-secret': 'tls-cert-file' }),
    ...(local.files.upstreamToken && { 'upstream-token-secret': 'upstream-token-file' }),
    ...(local.files.outboundAuthority && { 'ca-configmap': 'outbound-certificate-authority' }),
    ...(local.files.introspection && { 'oidc-introspection-secret': 'oidc-introspection-file' }),
  };
  const parsed = parseAnnotations(
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [PREFIX + key, text])),
  );
  if ('refusals' in parsed) throw usageError(inFlags(refusalText(parsed.refusals)));
  const document = configOf(
    parsed.servers.map((request) => ({ request, target: { container: name, port: upstream?.port } })),
    {
      spec: { containers: [standIn(name, local)] },
      workload: name,
      drainPath: drainPath(local.secret),
      namespace: NAMESPACE,
    },
  );
  const ready = command
    ? { ...document, servers: document.servers.map((each) => started(each, command)) }
    : document;
  return finish(ready, { ...local, upstream, adminPort }, 'the flags');
}

/** What the annotations of a pod say of it. */
const placeOf = (upstream: Upstream): WantedAnnotations =>
  upstream.tls || !isLoopback(upstream)
    ? // Where a server is that says nothing else, HTTP+SSE is looked for at its own usual path.
      { upstream: upstream.path === LISTEN_PATH ? new URL(upstream.url).origin : upstream.url }
    : upstream.path === LISTEN_PATH
      ? {}
      : { path: upstream.path };

/** Its variables are what the webhook would find in the container of the server. */
const standIn = (name: string, { env = {} }: Pick<Local, 'env'>) => ({
  name,
  env: Object.entries(env).flatMap(([key, value]) =>
    /^(HTTPS?|NO)_PROXY$/i.test(key) && value !== undefined ? [{ name: key, value }] : [],
  ),
});

const PER_REQUEST = { 'stdio-modern': 'per-request' } as const;
const isIsolated = (annotations: WantedAnnotations): boolean => annotations['stdio-sessions'] !== 'shared';

/** As children of this process, where a pod has a supervisor. */
function started<T extends { readonly upstream: object }>(server: T, command: readonly string[]): T {
  const { runDirectory: _, ...upstream } = server.upstream as { runDirectory?: string };
  return { ...server, upstream: { ...upstream, command } };
}

/**
 * @param value what the file holds: the document that the webhook writes; `version`, `adminPort` and `drain` may be
 * left out.
 * @param file for messages.
 */
export function configFromDocument(value: unknown, local: Local, file: string): SidecarConfig {
  const { servers, adminPort } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(servers) || !servers.every((each) => typeof each?.upstream === 'object'))
    throw new CliError(
      `${file} is not a configuration of the sidecar: it needs "servers", each with "upstream"`,
    );
  for (const flag of ['listen', 'upstream'] as const) {
    if (servers.length > 1 && local[flag])
      throw usageError(`--${flag} is for one server, and ${file} has ${servers.length}`);
  }
  const used = servers.flatMap(({ listenPort, upstream }) => [listenPort, upstream.port]);
  const [listenPort] = checkable([local.listen?.port], used);
  const [port] = checkable([local.adminPort ?? (adminPort as number | undefined)], [...used, listenPort]);
  const document = {
    version: CONFIG_VERSION,
    drain: { path: drainPath(local.secret), timeoutMs: DRAIN_TIMEOUT_MS },
    ...(value as object),
    adminPort: port,
    servers: servers.map((each) => ({ ...each, ...(local.listen && { listenPort }) })),
  };
  return finish(
    document,
    { ...local, ...(adminPort === undefined && { adminPort: local.adminPort ?? 0 }) },
    file,
  );
}

const drainPath = (secret: string): string => `/drain/${secret}`;

/** The document knows no port 0: another stands for it while it is checked. */
function checkable(ports: readonly (number | undefined)[], used: readonly unknown[]): number[] {
  const taken = new Set([...used, ...ports]);
  let next = 65_535;
  return ports.map((port) => {
    if (port) return port;
    while (taken.has(next)) next--;
    return next--;
  });
}

type Document = { readonly servers: readonly { readonly upstream: object }[] };

function finish(document: Document, local: Local, where: string): SidecarConfig {
  const servers = document.servers.map((each) => ({ ...each, ...overridden(each, local) }));
  const config = checked({ ...document, servers }, where);
  const { listen, adminPort = config.adminPort } = local;
  if (config.servers.some(({ auth }) => kindsOf(auth).some(({ mode }) => mode === 'kubernetes')))
    throw needsCluster(`auth kubernetes in ${where}`);
  if (config.servers.some(({ authorization }) => authorization))
    throw usageError(
      `authorization kubernetes in ${where} needs a pod: its proxy asks the API server with the pod's own service account\nHere a policy says who may call what: --policy-file FILE`,
    );
  for (const { upstream, listenPort } of config.servers) {
    if (isLoopback(upstream) && upstream.port === (listen?.port ?? listenPort))
      throw usageError(`--upstream leads to port ${upstream.port}, which --listen gives to the proxy itself`);
  }
  return {
    ...config,
    adminPort,
    servers: config.servers.map((each) => ({ ...each, listenPort: listen?.port ?? each.listenPort })),
  };
}

/** What the command line says of a server, over what is there. */
function overridden(
  {
    upstream,
    auth: configured,
    outbound,
  }: { readonly upstream: object; readonly auth?: AuthConfig; readonly outbound?: object },
  { auth, audit, files, skipVerify, ...local }: Local,
): object {
  const { host: _, tls: ofDocument, ...elsewhere } = upstream as { host?: string; tls?: object };
  const { url: __, tls: ofFlags, ...place } = local.upstream ?? { url: '' };
  const tls = tlsOf(local.upstream ? ofFlags && { ...ofDocument, ...ofFlags } : ofDocument, {
    files,
    skipVerify,
  });
  return {
    upstream: {
      ...(local.upstream ? { ...elsewhere, ...place } : upstream),
      ...(tls && { tls }),
      ...(files.upstreamHeaders && { headers: files.upstreamHeaders }),
      ...(files.upstreamToken &&
        'token' in upstream && { token: { ...(upstream.token as object), client: files.upstreamToken } }),
    },
    ...(files.outboundAuthority && { outbound: { ...outbound, authorities: files.outboundAuthority } }),
    ...(audit && { audit }),
    ...(auth && { auth: localAuth(configured, auth, files) }),
    ...(files.policy && { policy: files.policy }),
    ...(files.pins && { pins: files.pins }),
    ...(files.tls && { tls: files.tls }),
  };
}

/** @throws {CliError} when flags would verify what is not encrypted. */
function tlsOf(
  tls: object | undefined,
  { files: { upstreamAuthority }, skipVerify }: Pick<Local, 'files' | 'skipVerify'>,
): object | undefined {
  const flags = [
    upstreamAuthority && '--upstream-certificate-authority',
    skipVerify && '--upstream-insecure-skip-tls-verify',
  ].filter((each) => typeof each === 'string');
  if (flags.length === 0) return tls;
  if (!tls) throw usageError(`${flags[0]} has no effect: the upstream is not https`);
  if (flags.length > 1) throw usageError(`${flags.join(' and ')} may not be used together`);
  const { insecureSkipVerify: _, ...verified } = tls as { insecureSkipVerify?: boolean };
  return upstreamAuthority
    ? { ...verified, certificateAuthority: upstreamAuthority }
    : { ...tls, insecureSkipVerify: true };
}

function checked(document: object, where: string): SidecarConfig {
  try {
    return parseConfig(JSON.stringify(document));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CliError(`${where}: ${error.faults.join(`\n${where}: `)}`, { cause: error });
  }
}
