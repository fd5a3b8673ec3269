/** kubeconfig and flags → the one cluster, user and namespace that a command works with. */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { type Cluster, type Context, KubeConfig, type User } from '@kubernetes/client-node';
import { CliError } from '../errors.ts';
import { type GlobalFlags, parseDurationMs } from '../flags.ts';

export interface ResolvedConfig {
  readonly config: KubeConfig;
  readonly namespace: string;
  readonly server: string;
  readonly requestTimeoutMs: number;
}

/** @throws {CliError} in kubectl's words for a file, context, cluster or user that is not there. */
export function resolveConfig(flags: GlobalFlags, env: Record<string, string | undefined>): ResolvedConfig {
  const loaded = load(flags.kubeconfig, env['KUBECONFIG']);
  const contextName = flags.context ?? loaded.currentContext;
  const context = find(loaded.contexts, contextName, 'context', flags.context !== undefined);
  const clusterName = flags.cluster ?? context?.cluster;
  const userName = flags.user ?? context?.user;
  const cluster = withClusterFlags(
    find(loaded.clusters, clusterName, 'cluster', clusterName !== undefined && !flags.server),
    flags,
  );
  const user = withUserFlags(find(loaded.users, userName, 'auth info', flags.user !== undefined), flags);
  const config = new ImpersonatingKubeConfig(
    flags.asGroup ?? [],
    flags.asUid,
    timeoutOf(flags.requestTimeout),
  );
  const namespace = flags.namespace ?? context?.namespace ?? 'default';
  config.loadFromOptions({
    clusters: [cluster],
    users: [user],
    contexts: [{ name: 'kubectl-mcp', cluster: cluster.name, user: user.name, namespace } satisfies Context],
    currentContext: 'kubectl-mcp',
  });
  if ((flags.asGroup?.length || flags.asUid) && !flags.as) {
    throw new CliError(
      'requesting uid, groups or user-extra for user "" without impersonating a user (--as)',
    );
  }
  return { config, namespace, server: cluster.server, requestTimeoutMs: timeoutOf(flags.requestTimeout) };
}

const timeoutOf = (value: string | undefined): number =>
  value === undefined ? 0 : parseDurationMs(value, '--request-timeout');

function load(file: string | undefined, listed: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (file !== undefined) return loadFile(file);
  const files = (listed ?? '').split(delimiter).filter((each) => each !== '' && existsSync(each));
  if (files.length === 0) {
    // Neither file: ~/.kube/config, then the pod's service account, then localhost:8080, as kubectl does.
    if (!listed) config.loadFromDefault();
    else
      config.loadFromClusterAndUser({ name: '', server: 'http://localhost:8080' } as Cluster, { name: '' });
    return config;
  }
  // kubectl: of entries with one name the first file's wins; client-node would throw.
  const all = files.map(loadFile);
  config.loadFromOptions({
    clusters: firstByName(all.flatMap((each) => each.clusters)),
    users: firstByName(all.flatMap((each) => each.users)),
    contexts: firstByName(all.flatMap((each) => each.contexts)),
    currentContext: all.find((each) => each.currentContext)?.currentContext,
  });
  return config;
}

function loadFile(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    readFileSync(file);
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES';
    throw new CliError(`stat ${file}: ${denied ? 'permission denied' : 'no such file or directory'}`, {
      cause: error,
    });
  }
  try {
    config.loadFromFile(file);
  } catch (error) {
    throw new CliError(`error loading config file "${file}": ${(error as Error).message}`, { cause: error });
  }
  return config;
}

const firstByName = <T extends { name: string }>(entries: T[]): T[] => [
  ...new Map(entries.toReversed().map((each) => [each.name, each])).values(),
];

function find<T extends { name: string }>(
  entries: readonly T[],
  name: string | undefined,
  what: string,
  required: boolean,
): T | undefined {
  const found = entries.find((each) => each.name === name);
  if (!found && required) throw new CliError(`${what} "${name}" does not exist`);
  return found;
}

function withClusterFlags(cluster: Cluster | undefined, flags: GlobalFlags): Cluster {
  const server = flags.server ?? cluster?.server ?? 'http://localhost:8080';
  const merged = {
    name: 'kubectl-mcp',
    ...cluster,
    server: /^https?:\/\//.test(server) ? server : `http://${server}`,
  };
  const authority = flags.insecureSkipTlsVerify
    ? { caData: undefined, caFile: undefined, skipTLSVerify: true }
    : flags.certificateAuthority
      ? { caData: undefined, caFile: flags.certificateAuthority, skipTLSVerify: false }
      : {};
  const named = flags.tlsServerName ? { tlsServerName: flags.tlsServerName } : {};
  // client-node refuses plain http unless TLS is off; kubectl takes it (`kubectl proxy`).
  const plain = merged.server.startsWith('http:') ? { skipTLSVerify: true } : {};
  return { ...merged, ...authority, ...named, ...plain } as Cluster;
}

function withUserFlags(user: User | undefined, flags: GlobalFlags): User {
  const base: User = flags.token
    ? { name: 'kubectl-mcp', token: flags.token }
    : { ...user, name: user?.name ?? 'kubectl-mcp' };
  return {
    ...base,
    ...(flags.clientCertificate ? { certFile: flags.clientCertificate, certData: undefined } : {}),
    ...(flags.clientKey ? { keyFile: flags.clientKey, keyData: undefined } : {}),
    ...(flags.as ? { impersonateUser: flags.as } : {}),
  };
}

type SecurityContext = Parameters<KubeConfig['applySecurityAuthentication']>[0];
type HttpsOptions = Parameters<KubeConfig['applyToHTTPSOptions']>[0];

/** client-node knows `--as` alone, makes a connection per request, and has no time limit. */
class ImpersonatingKubeConfig extends KubeConfig {
  readonly #groups: string[];
  readonly #uid: string | undefined;
  readonly #timeoutMs: number;
  #dispatcher: ReturnType<SecurityContext['getDispatcher']>;

  constructor(groups: string[], uid: string | undefined, timeoutMs: number) {
    super();
    this.#groups = groups;
    this.#uid = uid;
    this.#timeoutMs = timeoutMs;
  }

  override createDispatcherOptions(
    ...args: Parameters<KubeConfig['createDispatcherOptions']>
  ): ReturnType<KubeConfig['createDispatcherOptions']> {
    const options = super.createDispatcherOptions(...args);
    if (options.type !== 'none' && options.type !== 'agent') return options;
    // undici joins the values of a repeated header when it speaks HTTP/2.
    const http1 = this.#groups.length > 1 ? { allowH2: false } : {};
    return {
      type: 'agent',
      connect: { keepAlive: true, ...('connect' in options && options.connect), ...http1 },
    };
  }

  override async applySecurityAuthentication(context: SecurityContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    // One pool for all requests: the dispatcher just made has not connected yet and costs nothing.
    this.#dispatcher ??= this.#withImpersonation(context.getDispatcher());
    if (this.#dispatcher) context.setDispatcher(this.#dispatcher);
    if (this.#timeoutMs > 0) context.setSignal(AbortSignal.timeout(this.#timeoutMs));
  }

  override async applyToHTTPSOptions(options: HttpsOptions): Promise<void> {
    await super.applyToHTTPSOptions(options);
    if (this.#groups.length || this.#uid)
      options.headers = { ...options.headers, ...this.#headers() } as never;
  }

  #headers(): Record<string, string | string[]> {
    return {
      ...(this.#groups.length ? { 'Impersonate-Group': this.#groups } : {}),
      ...(this.#uid ? { 'Impersonate-Uid': this.#uid } : {}),
    };
  }

  /** A header per group: fetch would join them with a comma, which the API server takes for one group's name. */
  #withImpersonation<T extends ReturnType<SecurityContext['getDispatcher']>>(dispatcher: T): T {
    const extra = this.#headers();
    if (!dispatcher || Object.keys(extra).length === 0) return dispatcher;
    return dispatcher.compose(
      (dispatch) => (options, handler) =>
        dispatch({ ...options, headers: { ...(options.headers as object), ...extra } }, handler),
    ) as T;
  }
}
