/** What a decision needs, from files and from the cluster: the policy, the annotations, the tools. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { ServerConfig } from '../../sidecar/config.ts';
import { toolFacts, type ToolFacts } from '../../sidecar/filter/decide-tool.ts';
import { compilePolicy, type Policy } from '../../sidecar/filter/policy.ts';
import type { HintsText } from '../../sidecar/filter/policy-schema.ts';
import { argumentShape, type ArgumentShape } from '../../sidecar/overrides/argument-shape.ts';
import type { Deps } from '../deps.ts';
import { CliError, usageError } from '../errors.ts';
import type { GlobalFlags } from '../flags.ts';
import type { Cluster } from '../kube/client.ts';
import type { Target } from '../kube/target.ts';
import type { Streams } from '../streams.ts';

export interface PolicyFlags extends GlobalFlags {
  readonly filename?: string;
  readonly against?: string;
  readonly mcpServer?: string;
  readonly toolsFile?: string;
  readonly group?: string[];
  readonly scope?: string[];
}

export interface Sources {
  readonly policy: Policy | undefined;
  readonly hints: readonly HintsText[];
  /** Undefined: nobody said which there are. */
  readonly tools: ReadonlyMap<string, KnownTool> | undefined;
}

const HEALTH_TIMEOUT_MS = 10_000;
const OPEN: ServerConfig['filter'] = { mode: 'all' };

/** Undefined: nobody said where to look. */
export async function readTools(
  flags: PolicyFlags,
  deps: Deps,
): Promise<ReadonlyMap<string, KnownTool> | undefined> {
  if (flags.toolsFile !== undefined)
    return toolsIn(await contentOf(flags.toolsFile, '--tools-file', deps.streams), flags.toolsFile);
  return flags.against === undefined ? undefined : (await askServer(flags.against, flags, deps)).tools;
}

/** @throws {CliError} with every fault of the policy */
export async function readSources(flags: PolicyFlags, deps: Deps): Promise<Sources> {
  if (flags.filename === undefined && flags.against === undefined)
    throw usageError('must specify -f FILE, or --against NAME for the policy that a server has');
  const far = flags.against === undefined ? undefined : await askServer(flags.against, flags, deps);
  const content =
    flags.filename === undefined ? far?.policy : await contentOf(flags.filename, '-f', deps.streams);
  const named = flags.filename ?? far?.policySource ?? '';
  const read = content === undefined ? undefined : await policyIn(content, named);
  const tools =
    flags.toolsFile === undefined
      ? far?.tools
      : toolsIn(await contentOf(flags.toolsFile, '--tools-file', deps.streams), flags.toolsFile);
  return {
    policy: compilePolicy(far?.filter ?? OPEN, read?.policy, read?.rules),
    hints: read?.policy.tools.hints ?? [],
    tools,
  };
}

async function policyIn(content: string, name: string) {
  const { readPolicy } = await import('../../sidecar/filter/read-policy.ts');
  const { compileRule } = await import('../../sidecar/filter/rules.ts');
  const read = readPolicy(await unwrapped(content), compileRule);
  if ('faults' in read)
    throw new CliError(
      `${name === '-' ? 'stdin' : name} is no policy:\n${read.faults.map((each) => `  ${each}`).join('\n')}`,
    );
  return read;
}

/** The manifest of a ConfigMap is as good as what it holds. */
async function unwrapped(content: string): Promise<string> {
  if (!/^["']?kind["']?:\s*["']?ConfigMap\b/m.test(content) && !/"kind":\s*"ConfigMap"/.test(content))
    return content;
  const { POLICY_KEY } = await import('../../sidecar/filter/read-policy.ts');
  const { default: yaml } = await import('yaml');
  const found = yaml
    .parseAllDocuments(content)
    .map((each) => each.toJS() as { kind?: string; data?: Record<string, string> } | null)
    .find((each) => each?.kind === 'ConfigMap' && each.data?.[POLICY_KEY] !== undefined);
  if (!found) throw new CliError(`the ConfigMap has no key ${POLICY_KEY}`);
  return found.data![POLICY_KEY]!;
}

export interface KnownTool extends ToolFacts {
  /** Whether the server says what it does; absent where nobody knows. */
  readonly hinted?: boolean;
  /** Absent where the server's sidecar has told of it: it does not tell its arguments. */
  readonly shape?: ArgumentShape;
}

const isHinted = (tool: unknown): boolean => {
  const { annotations } = tool as { annotations?: Record<string, unknown> | null };
  return ['readOnlyHint', 'destructiveHint'].some((hint) => typeof annotations?.[hint] === 'boolean');
};

/** What `kubectl mcp tools -o json` prints, or a `tools/list` result. @throws {CliError} */
export function toolsIn(content: string, name: string): ReadonlyMap<string, KnownTool> {
  let value: { tools?: unknown; result?: { tools?: unknown } } | null;
  try {
    value = JSON.parse(content) as typeof value;
  } catch (error) {
    throw new CliError(`--tools-file: ${name} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const tools = value?.tools ?? value?.result?.tools;
  if (!Array.isArray(tools))
    throw new CliError(
      `--tools-file: ${name} holds no list of tools\nGet one: kubectl mcp tools NAME -o json`,
    );
  const facts = tools.flatMap((tool: unknown) => {
    const read = toolFacts(tool);
    const { inputSchema } = tool as { inputSchema?: unknown };
    const shape = inputSchema === undefined ? {} : { shape: argumentShape(inputSchema) };
    return read ? [{ ...read, hinted: isHinted(tool), ...shape }] : [];
  });
  return new Map(facts.map((each) => [each.name, each]));
}

export async function contentOf(name: string, flag: string, streams: Streams): Promise<string> {
  if (name === '-') return text(streams.in);
  try {
    return await readFile(name, 'utf8');
  } catch (error) {
    throw new CliError(`${flag}: cannot read ${name}: ${(error as Error).message}`, { cause: error });
  }
}

interface Server {
  readonly filter: ServerConfig['filter'];
  readonly tools: ReadonlyMap<string, KnownTool>;
  readonly policy?: string;
  readonly policySource?: string;
}

/** `--as` names a caller of the MCP server: the cluster is asked as the user. */
async function askServer(name: string, flags: PolicyFlags, { connect, env }: Deps): Promise<Server> {
  const { as: _as, asGroup: _asGroup, ...own } = flags;
  const cluster = await connect(own, env);
  const { findTarget } = await import('../kube/target.ts');
  const target = await findTarget(cluster, name, flags);
  const { readHealth } = await import('../kube/health.ts');
  const { namespace, pod, adminPort, server } = target;
  const health = await readHealth(cluster, { namespace, pod, adminPort }, HEALTH_TIMEOUT_MS);
  const found = health?.servers.find((each) => each.name === server.name);
  if (!found?.tools?.length)
    throw new CliError(
      `${target.title} does not tell its tools: its sidecar has not listed them yet\nSee why: kubectl mcp doctor -n ${namespace}`,
    );
  const inForce = await policyOf(cluster, target);
  return {
    filter: server.filter,
    tools: new Map((found.tools as unknown as readonly KnownTool[]).map((each) => [each.name, each])),
    ...(inForce === undefined ? {} : { policy: inForce, policySource: server.policy!.source }),
  };
}

async function policyOf(cluster: Cluster, { namespace, server }: Target): Promise<string | undefined> {
  const [kind, name = ''] = server.policy?.source.split('/') ?? [];
  if (kind !== 'configmap') return undefined;
  const { POLICY_KEY } = await import('../../sidecar/filter/read-policy.ts');
  const { data } = await cluster.core.readNamespacedConfigMap({ namespace, name });
  return data?.[POLICY_KEY];
}
