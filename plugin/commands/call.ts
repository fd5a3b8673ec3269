import type { Client, CallToolResult, Tool } from '@modelcontextprotocol/client';
import type { Command } from 'commander';
import type { Deps } from '../deps.ts';
import { CliError, EXIT, usageError } from '../errors.ts';
import { collect, type GlobalFlags, outputFlag, parseDurationMs, timeoutFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import { parseArguments, type Schema } from '../mcp/arguments.ts';
import type { CallerFlags } from '../mcp/credentials.ts';
import { addCallerFlags } from '../mcp/flags.ts';
import type { TargetFlags } from '../kube/target.ts';
import type { TrustFlags } from '../mcp/trust.ts';
import { readJsonArguments } from '../mcp/json-input.ts';
import { formatResult } from '../mcp/result.ts';
import { checkFormat, formatJson, formatYaml } from '../print/object.ts';
import { writeLine } from '../streams.ts';

const FORMATS = ['json', 'yaml'] as const;

interface CallFlags extends GlobalFlags, TargetFlags, CallerFlags, TrustFlags {
  readonly arg?: string[];
  readonly json?: string;
  readonly output?: string;
  readonly timeout: string;
}

export function addCall(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'call NAME TOOL',
    short: 'Call a tool of an MCP server',
    long: `Call a tool of an MCP server through its sidecar, and print what it answers.

The text of the answer goes to stdout. Exit code 1 means that the call failed or that the tool reported an error.`,
    examples: `
      # Call tool "echo" of the server in deployment "everything"
      kubectl mcp call deploy/everything echo --arg message=hello

      # Numbers and booleans are typed by the tool's schema; := takes any JSON
      kubectl mcp call everything get-sum --arg a=2 --arg b=3
      kubectl mcp call weather forecast --arg 'days:=[1,2,3]'

      # All arguments from a file, or from stdin
      kubectl mcp call weather forecast --json @arguments.json
      echo '{"city":"Bern"}' | kubectl mcp call weather forecast --json -

      # Call as a service account of another namespace
      kubectl mcp call weather forecast --arg city=Bern --as-serviceaccount agents/planner`,
  })
    .argument('<NAME>')
    .argument('<TOOL>')
    .option(
      '--arg <name=value>',
      'An argument of the tool, NAME=VALUE or NAME:=JSON. Can be repeated; for an array each adds an element.',
      collect,
    );
  addCallerFlags(command)
    .option('--json <object>', 'All arguments as one JSON object: the text itself, @FILE, or - for stdin.')
    .addOption(outputFlag(FORMATS))
    .addOption(timeoutFlag('60s', 'The length of time to wait for the answer, like 5s or 2m.'))
    .action(async (name: string, tool: string, _options, self: Command) =>
      runCall({ name, tool }, self.optsWithGlobals<CallFlags>(), deps),
    );
}

async function runCall(
  { name, tool }: { name: string; tool: string },
  flags: CallFlags,
  { streams, env, connect, signal }: Deps,
): Promise<void> {
  const format = checkFormat(flags.output, FORMATS);
  const timeoutMs = parseDurationMs(flags.timeout, '--timeout');
  if (flags.arg && flags.json !== undefined) throw usageError('--arg and --json may not be used together');
  const given = flags.json === undefined ? undefined : await readJsonArguments(flags.json, streams);
  const cluster = await connect(flags, env);
  const { findTarget } = await import('../kube/target.ts');
  const { credentialsFor } = await import('../mcp/credentials.ts');
  const { withSession } = await import('../mcp/session.ts');
  const { realNames } = await import('../mcp/real-names.ts');
  const { trustOf } = await import('../mcp/trust.ts');
  const target = await findTarget(cluster, name, flags);
  const caller = await credentialsFor(cluster, target, flags);
  const trust = await trustOf(cluster, target, flags);
  const result = await withSession(cluster, { target, caller, trust, timeoutMs }, async (client) => {
    const known = await findTool(client, tool, {
      title: target.title,
      caller: caller.title,
      timeoutMs,
      renamed: () => realNames(cluster, target, timeoutMs),
    });
    const args = given ?? parseArguments(flags.arg ?? [], known.inputSchema as Schema);
    return client.callTool(
      { name: tool, arguments: args },
      { timeout: timeoutMs, resetTimeoutOnProgress: true, signal },
    );
  });
  if (format === 'json') streams.out.write(formatJson(result));
  else if (format === 'yaml') streams.out.write(await formatYaml(result));
  else printText(result, streams);
  if (result.isError) {
    throw new CliError(`tool "${tool}" of ${target.title} reported an error`, { exitCode: EXIT.error });
  }
}

async function findTool(
  client: Client,
  name: string,
  {
    title,
    caller,
    timeoutMs,
    renamed,
  }: {
    title: string;
    caller: string;
    timeoutMs: number;
    /** The server's own names by those that callers know. */
    renamed: () => Promise<ReadonlyMap<string, string>>;
  },
): Promise<Tool> {
  const { tools } = await client.listTools({}, { timeout: timeoutMs });
  const found = tools.find((each) => each.name === name);
  if (found) return found;
  const [shown] = [...(await renamed())].find(([, real]) => real === name) ?? [];
  if (shown !== undefined && tools.some((each) => each.name === shown))
    throw new CliError(`callers know tool "${name}" of ${title} as "${shown}", by its policy`);
  const { closestMatch } = await import('leven');
  const nearest = closestMatch(
    name,
    tools.map((each) => each.name),
    { maxDistance: Math.max(1, Math.floor(name.length / 4)) },
  );
  throw new CliError(
    `${title} has no tool "${name}" for ${caller}${nearest ? `; perhaps "${nearest}" is meant` : ''}\nSee its tools: kubectl mcp tools ${title}`,
  );
}

function printText(result: CallToolResult, streams: Deps['streams']): void {
  const { out, notes } = formatResult(result);
  for (const line of out) writeLine(streams.out, line);
  for (const note of notes) writeLine(streams.err, note);
}
