/** `kubectl mcp proxy` from its flags on. */
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { parseDocument } from 'yaml';
import { DEFAULT_LISTEN_PORT } from '../../sidecar/config.ts';
import type { SidecarConfig } from '../../sidecar/config.ts';
import type { Deps } from '../deps.ts';
import { annotationsFrom, flagOf } from '../enable/annotation-flags.ts';
import { CliError, usageError } from '../errors.ts';
import type { GlobalFlags } from '../flags.ts';
import { checkFormat } from '../print/object.ts';
import { type Streams, writeLine } from '../streams.ts';
import { LOOPBACK, parseListen, parseUpstream } from './addresses.ts';
import { FLAG_KEYS } from './annotations.ts';
import { openAudit, parseAudit } from './audit-lines.ts';
import { checkAuthFlags } from './local-auth.ts';
import { followFiles } from './follow-files.ts';
import { configFromDocument, configFromFlags, type Local } from './local-config.ts';
import { newSecret, runProxy } from './run.ts';

export interface ProxyFlags extends GlobalFlags {
  readonly adminPort?: string;
  readonly audit?: string;
  readonly auth?: string;
  readonly authTokenFile?: string;
  /** What is started, of a server that speaks stdio. */
  readonly command: readonly string[];
  readonly config?: string;
  readonly gracePeriod: string;
  readonly insecure?: boolean;
  readonly listen?: string;
  readonly output?: string;
  readonly upstream?: string;
  readonly upstreamInsecureSkipTlsVerify?: boolean;
  readonly [flag: string]: unknown;
}

const DEFAULT_LISTEN = { host: LOOPBACK, port: DEFAULT_LISTEN_PORT };
const DAY_SECONDS = 86_400;
/** Flags of annotations that may stand beside a document, over what it says. */
const BESIDE_CONFIG = ['auth', 'audit', 'admin-port'];

export async function startProxy(flags: ProxyFlags, deps: Deps): Promise<void> {
  const { streams, env, signal } = deps;
  const format = checkFormat(flags.output, ['json']);
  const graceMs = numberOf(flags.gracePeriod, '--grace-period', DAY_SECONDS) * 1_000;
  const audit = flags.audit === undefined ? undefined : parseAudit(flags.audit);
  checkTogether(flags);
  const given = addressesOf(flags);
  const warn = (text: string): void => writeLine(streams.err, `Warning: ${text}`);
  const followed = followFiles(flags, { parent: env['XDG_RUNTIME_DIR'], warn });
  deps.atExit?.(followed.close);
  try {
    const auth = flags.auth ?? (followed.files.tokens && 'token');
    const local = {
      ...given,
      auth,
      audit: audit?.annotation,
      files: followed.files,
      skipVerify: flags.upstreamInsecureSkipTlsVerify,
      secret: newSecret(),
      env,
    };
    const config = await configOf(flags, local, streams);
    const lines = openAudit(audit ?? {}, streams.out);
    try {
      await runProxy({
        config,
        host: given.listen?.host ?? LOOPBACK,
        insecure: flags.insecure ?? false,
        json: format === 'json',
        graceMs,
        audit: lines,
        streams,
        env,
        stopped: deps.stopped?.() ?? aborted(signal),
        onUncaught: deps.onUncaught,
      });
    } finally {
      lines.close();
    }
  } finally {
    followed.close();
  }
}

function checkTogether(flags: ProxyFlags): void {
  const { command, config, upstream } = flags;
  if (command.length > 0 && (config !== undefined || upstream !== undefined))
    throw usageError(
      `unknown arguments ${command.join(' ')}: a command behind "--" is a server of its own, beside ${upstream === undefined ? '--config' : '--upstream'} there is none`,
    );
  if (command.length === 0 && config === undefined && upstream === undefined) {
    throw usageError(
      'required flag(s) "upstream" not set: the URL of the MCP server, as http://127.0.0.1:3001/mcp; or give the command of one that speaks stdio, as -- npx -y @modelcontextprotocol/server-memory',
    );
  }
  if (config !== undefined) {
    const beside = Object.keys(annotationsFrom(flags, FLAG_KEYS)).filter(
      (key) => !BESIDE_CONFIG.includes(key),
    );
    if (beside.length > 0) {
      const names = beside.map((key) => `--${flagOf(key as (typeof FLAG_KEYS)[number])}`).join(', ');
      throw usageError(`${names} may not be used together with --config: write it in the document`);
    }
  }
  checkAuthFlags(flags);
}

function addressesOf({
  adminPort,
  listen,
  upstream,
  config,
}: ProxyFlags): Pick<Local, 'adminPort' | 'listen' | 'upstream'> {
  return {
    ...(adminPort !== undefined && { adminPort: numberOf(adminPort, '--admin-port', 65_535) }),
    ...(listen === undefined
      ? config === undefined && { listen: DEFAULT_LISTEN }
      : { listen: parseListen(listen) }),
    ...(upstream !== undefined && { upstream: parseUpstream(upstream) }),
  };
}

async function configOf(flags: ProxyFlags, local: Local, streams: Streams): Promise<SidecarConfig> {
  if (flags.config !== undefined)
    return configFromDocument(await read(flags.config, streams), local, flags.config);
  const { listen = DEFAULT_LISTEN, upstream: server } = local;
  const upstream = flags.command.length > 0 ? { command: flags.command } : server!;
  const annotations = { ...annotationsFrom(flags, FLAG_KEYS), audit: local.audit ?? 'stdout' };
  return configFromFlags(annotations, { ...local, listen, upstream });
}

async function read(file: string, streams: Streams): Promise<unknown> {
  let text: string;
  try {
    text = file === '-' ? await textOf(streams.in) : await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(
      code === 'ENOENT' ? `the path "${file}" does not exist` : `--config ${file}: cannot be read: ${code}`,
      { cause: error },
    );
  }
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault) throw new CliError(`--config ${file}: ${fault.message.split('\n')[0]}`, { cause: fault });
  return document.toJS();
}

function numberOf(text: string, flag: string, most: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) <= most) return Number(text);
  throw usageError(`invalid argument "${text}" for "${flag}" flag: expected a whole number up to ${most}`);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
