/** kubectl's own flags with kubectl's own words: kubectl hands a plugin what follows its name, so we must know them. */
import { type Command, Option } from 'commander';
import { usageError } from './errors.ts';

export interface GlobalFlags {
  readonly as?: string;
  readonly asGroup?: string[];
  readonly asUid?: string;
  readonly certificateAuthority?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly cluster?: string;
  readonly context?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly requestTimeout?: string;
  readonly server?: string;
  readonly tlsServerName?: string;
  readonly token?: string;
  readonly user?: string;
}

interface FlagDefinition {
  readonly flags: string;
  readonly help: string;
  readonly repeatable?: true;
}

export const GLOBAL_FLAGS: readonly FlagDefinition[] = [
  {
    flags: '--as <user>',
    help: 'Username to impersonate for the operation. User could be a regular user or a service account in a namespace.',
  },
  {
    flags: '--as-group <group>',
    help: 'Group to impersonate for the operation, this flag can be repeated to specify multiple groups.',
    repeatable: true,
  },
  { flags: '--as-uid <uid>', help: 'UID to impersonate for the operation.' },
  { flags: '--certificate-authority <file>', help: 'Path to a cert file for the certificate authority' },
  { flags: '--client-certificate <file>', help: 'Path to a client certificate file for TLS' },
  { flags: '--client-key <file>', help: 'Path to a client key file for TLS' },
  { flags: '--cluster <name>', help: 'The name of the kubeconfig cluster to use' },
  { flags: '--context <name>', help: 'The name of the kubeconfig context to use' },
  {
    flags: '--insecure-skip-tls-verify',
    help: "If true, the server's certificate will not be checked for validity. This will make your HTTPS connections insecure",
  },
  { flags: '--kubeconfig <file>', help: 'Path to the kubeconfig file to use for CLI requests.' },
  { flags: '-n, --namespace <name>', help: 'If present, the namespace scope for this CLI request' },
  {
    flags: '--request-timeout <duration>',
    help: "The length of time to wait before giving up on a single server request. Non-zero values should contain a corresponding time unit (e.g. 1s, 2m, 3h). A value of zero means don't timeout requests.",
  },
  { flags: '-s, --server <url>', help: 'The address and port of the Kubernetes API server' },
  {
    flags: '--tls-server-name <name>',
    help: 'Server name to use for server certificate validation. If it is not provided, the hostname used to contact the server is used',
  },
  { flags: '--token <token>', help: 'Bearer token for authentication to the API server' },
  { flags: '--user <name>', help: 'The name of the kubeconfig user to use' },
];

/** Adds them to the root: commander takes a root's options before and after the command's name. */
export function addGlobalFlags(program: Command): void {
  for (const { flags, help, repeatable } of GLOBAL_FLAGS) {
    const option = new Option(flags, help);
    program.addOption(repeatable ? option.argParser(collect) : option);
  }
}

/** For flags that may be given more than once. */
export const collect = (value: string, previous: string[] = []): string[] => [...previous, value];

export const outputFlag = (formats: readonly string[]): Option =>
  new Option('-o, --output <format>', `Output format. One of: (${formats.join(', ')}).`);

export const selectorFlag = (): Option =>
  new Option(
    '-l, --selector <query>',
    "Selector (label query) to filter on, supports '=', '==', and '!='.(e.g. -l key1=value1,key2=value2). Matching objects must satisfy all of the specified label constraints.",
  );

export const allNamespacesFlag = (): Option =>
  new Option(
    '-A, --all-namespaces',
    'If present, list the requested object(s) across all namespaces. Namespace in current context is ignored even if specified with --namespace.',
  );

export const noHeadersFlag = (): Option =>
  new Option(
    '--no-headers',
    "When using the default or custom-column output format, don't print headers (default print headers).",
  );

export type DryRun = 'none' | 'client' | 'server';

export const dryRunFlag = (): Option =>
  new Option(
    '--dry-run <strategy>',
    'Must be "none", "server", or "client". If client strategy, only print the object that would be sent, without sending it. If server strategy, submit server-side request without persisting the resource.',
  )
    .default('none' satisfies DryRun)
    .argParser(parseDryRun);

function parseDryRun(value: string): DryRun {
  if (value === 'none' || value === 'client' || value === 'server') return value;
  throw usageError(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`);
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration as Go writes it (`90s`, `1m30s`, `500ms`), or bare seconds as kubectl takes them. */
export function parseDurationMs(value: string, flag: string): number {
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== value) {
    throw usageError(`invalid argument "${value}" for "${flag}" flag: time: invalid duration "${value}"`);
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0);
}

export const timeoutFlag = (defaultValue: string, help: string): Option =>
  new Option('--timeout <duration>', help).default(defaultValue);
