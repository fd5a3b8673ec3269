import { Option, type Command } from 'commander';
import type { Deps } from '../deps.ts';
import { CliError, exitWith, EXIT, usageError } from '../errors.ts';
import { collect, noHeadersFlag, outputFlag } from '../flags.ts';
import { addCommand, type McpCommand } from '../help.ts';
import { callerFrom } from '../policy/caller.ts';
import { EXPLAINED, explain, verbOf } from '../policy/explain.ts';
import { contentOf, readSources, readTools, type PolicyFlags } from '../policy/sources.ts';
import { suggestPolicy } from '../policy/suggest.ts';
import { columnsOf, rowsOf } from '../policy/table.ts';
import { checkFormat, formatJson, formatYaml } from '../print/object.ts';
import { formatTable } from '../print/table.ts';
import { writeLine } from '../streams.ts';

const FORMATS = ['json', 'yaml', 'name', 'wide'] as const;
const VERBS = Object.keys(EXPLAINED).join(', ');

interface TestFlags extends PolicyFlags {
  readonly headers: boolean;
  readonly output?: string;
}

interface ExplainFlags extends PolicyFlags {
  readonly json?: string;
  readonly output?: string;
}

interface SuggestFlags extends PolicyFlags {
  readonly component?: string;
}

/** `policy` holds what can be done with one before it is in force. */
export function addPolicy(program: Command, deps: Deps): void {
  const policy = addCommand(program, {
    usage: 'policy',
    short: 'Try a policy before it is in force',
    examples: `
      # Each tool, whether a caller may use it, and by which rule
      kubectl mcp policy test -f policy.yaml --against deploy/weather --as agents/planner`,
  });
  addTest(policy, deps);
  addExplain(policy, deps);
  addSuggest(policy, deps);
}

function addTest(policy: McpCommand, deps: Deps): void {
  const command = addCommand(policy, {
    usage: 'test -f FILE',
    short: 'Show which tools a caller may use, and by which rule',
    long: `Show which tools a caller may use, and by which rule, as the sidecar would decide.

The policy is a file, as in key policy.yaml of the ConfigMap, or the ConfigMap's manifest; with --against and without -f, the one that the server has. With --against the annotations of the server count, too. --as names a caller of the MCP server; it impersonates nobody at the API server. ALLOWED is "by arguments" where a rule looks at each call, and "by scope" where the caller sees the tool and is told which scopes its token lacks. TOOL is the server's own name, which policies speak of; SHOWN AS is what callers know it by, where the policy says so.`,
    examples: `
      # The tools of a running server, under a policy that it does not have yet
      kubectl mcp policy test -f policy.yaml --against deploy/weather --as agents/planner

      # Without a cluster
      kubectl mcp tools weather -o json > tools.json
      kubectl mcp policy test -f policy.yaml --tools-file tools.json --as token:ci

      # What is in force now, for members of a group
      kubectl mcp policy test --against deploy/weather --as ops/bot --group mcp-admins

      # A person whose token has one scope
      kubectl mcp policy test -f policy.yaml --against deploy/weather --as oidc:alice --scope weather:read`,
  });
  addSources(command)
    .addOption(noHeadersFlag())
    .addOption(outputFlag(FORMATS))
    .action(async (_options, self: Command) => runTest(self.optsWithGlobals<TestFlags>(), deps));
}

function addExplain(policy: McpCommand, deps: Deps): void {
  const command = addCommand(policy, {
    usage: 'explain VERB NAME -f FILE',
    short: 'Show how one request would be decided',
    long: `Show how one request would be decided, and by which rule. VERB is one of ${VERBS}; NAME is the tool's or the prompt's, or the resource's URI; of a tool that the policy renames, either name.

Exit code 0 means allowed, 1 denied. Without --against and --tools-file a tool is taken to be there and to have no hints.`,
    examples: `
      # A call with its arguments
      kubectl mcp policy explain call kubectl_scale -f policy.yaml --as agents/planner --json '{"replicas":9}'

      # A resource, under the policy that a server has
      kubectl mcp policy explain read file:///etc/passwd --against deploy/files`,
  })
    .argument('<VERB>')
    .argument('<NAME>');
  addSources(command)
    .option(
      '--json <object>',
      'The arguments of the call as one JSON object: the text itself, @FILE, or - for stdin.',
    )
    .addOption(outputFlag(['json', 'yaml']))
    .action(async (verb: string, name: string, _options, self: Command) =>
      runExplain({ verb, name }, self.optsWithGlobals<ExplainFlags>(), deps),
    );
}

function addSuggest(policy: McpCommand, deps: Deps): void {
  const command = addCommand(policy, {
    usage: 'suggest FILE',
    short: 'Print the smallest policy that lets through what audit records show',
    long: `Print the smallest policy that lets through what audit records show: the tools, resources and prompts that were used. Requests that were denied are left out.

FILE holds audit lines, as the sidecar writes them on stdout; - reads stdin. With --against or --tools-file, tools whose server gives no hints are marked for review: what a name sounds like is a guess, and no sidecar goes by it.`,
    examples: `
      # From what a server has done
      kubectl logs deploy/weather -c mcp-proxy | kubectl mcp policy suggest - > policy.yaml

      # With a mark at tools that somebody should look at
      kubectl mcp policy suggest audit.log --against deploy/weather`,
  })
    .argument('<FILE>')
    .option('--component <name>', 'Only of this server: the name in field "component" of the records.');
  addTools(command).action(async (file: string, _options, self: Command) =>
    runSuggest(file, self.optsWithGlobals<SuggestFlags>(), deps),
  );
}

const addTools = <T extends Command>(command: T): T =>
  command
    .option(
      '--against <name>',
      'The workload whose tools are asked for, like deploy/NAME; its annotations count.',
    )
    .option('--mcp-server <name>', 'Of several servers in one pod: which one.')
    .option(
      '--tools-file <file>',
      'Path to a file with the tools, as "kubectl mcp tools NAME -o json" prints them.',
    ) as T;

const addSources = <T extends Command>(command: T): T =>
  addTools(command.option('-f, --filename <file>', 'The file that holds the policy; - reads stdin.') as T)
    .addOption(
      new Option(
        '--group <group>',
        'A group of the caller, this flag can be repeated to specify multiple groups.',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--scope <scope>',
        "A scope of the caller's token, with --as oidc:NAME; this flag can be repeated to specify multiple scopes.",
      ).argParser(collect),
    ) as T;

const callerOf = ({ as, asGroup = [], group = [], scope }: PolicyFlags) =>
  callerFrom(as, [...group, ...asGroup], scope);

async function runTest(flags: TestFlags, deps: Deps): Promise<void> {
  const { out, err } = deps.streams;
  const format = checkFormat(flags.output, FORMATS);
  const caller = callerOf(flags);
  if (flags.against === undefined && flags.toolsFile === undefined)
    throw usageError('must specify --against NAME or --tools-file FILE, for the tools to decide on');
  const rows = rowsOf(caller, await readSources(flags, deps));
  if (format === 'json') out.write(formatJson({ caller: caller.name, tools: rows }));
  else if (format === 'yaml') out.write(await formatYaml({ caller: caller.name, tools: rows }));
  else if (format === 'name') {
    for (const { name, allowed } of rows) if (allowed) writeLine(out, name);
  } else if (rows.length === 0) writeLine(err, 'No tools found.');
  else out.write(formatTable(columnsOf(rows), rows, { wide: format === 'wide', noHeaders: !flags.headers }));
}

async function runExplain(
  { verb, name }: { verb: string; name: string },
  flags: ExplainFlags,
  deps: Deps,
): Promise<void> {
  const format = checkFormat(flags.output, ['json', 'yaml'] as const);
  const known = verbOf(verb);
  if (!known) throw usageError(`unknown verb "${verb}"; it is one of ${VERBS}`);
  const { readJsonArguments } = await import('../mcp/json-input.ts');
  const args = flags.json === undefined ? {} : await readJsonArguments(flags.json, deps.streams);
  const explained = explain(callerOf(flags), { verb: known, name, args }, await readSources(flags, deps));
  const { out } = deps.streams;
  if (format === 'json') out.write(formatJson(explained));
  else if (format === 'yaml') out.write(await formatYaml(explained));
  else {
    writeLine(out, `${explained.allowed ? 'allowed' : 'denied'} by ${explained.rule}`);
    for (const line of explained.notes) writeLine(deps.streams.err, line);
  }
  if (!explained.allowed) throw exitWith(EXIT.error);
}

async function runSuggest(file: string, flags: SuggestFlags, deps: Deps): Promise<void> {
  const lines = (await contentOf(file, 'FILE', deps.streams)).split('\n');
  const { text, used, others } = suggestPolicy(lines, await readTools(flags, deps), flags.component);
  if (used === 0)
    throw new CliError(
      `${file === '-' ? 'stdin' : file} holds no audit record of a tool, a resource or a prompt\nGet some: kubectl logs deploy/NAME -c mcp-proxy`,
    );
  deps.streams.out.write(text);
  writeLine(deps.streams.err, `from ${used} records; ${others} other lines`);
}
