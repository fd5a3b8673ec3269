import type { Tool } from '@modelcontextprotocol/client';
import type { Command } from 'commander';
import { flaggedIn, visible } from '../../sidecar/filter/hidden-characters.ts';
import type { Deps } from '../deps.ts';
import { type GlobalFlags, noHeadersFlag, outputFlag, parseDurationMs, timeoutFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import { type CallerFlags } from '../mcp/credentials.ts';
import { addCallerFlags } from '../mcp/flags.ts';
import type { TargetFlags } from '../kube/target.ts';
import type { TrustFlags } from '../mcp/trust.ts';
import { tellFlagged } from '../pin/tell-flagged.ts';
import { checkFormat, formatJson, formatYaml } from '../print/object.ts';
import { type Column, formatTable } from '../print/table.ts';
import { writeLine } from '../streams.ts';

const FORMATS = ['json', 'yaml', 'name', 'wide'] as const;
const SHORT_TEXT = 60;

interface ToolsFlags extends GlobalFlags, TargetFlags, CallerFlags, TrustFlags {
  readonly headers: boolean;
  readonly output?: string;
  readonly timeout: string;
}

export function addTools(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'tools NAME',
    short: 'List the tools of an MCP server as a caller sees them',
    long: `List the tools of an MCP server as a caller sees them: through its sidecar, so that what the caller may not use is not there.

Characters that are not seen are spelled out, like <U+200B>, and told.

READ-ONLY and DESTRUCTIVE are the server's own hints as the sidecar takes them: a tool without hints counts as destructive. With -o wide, and where a policy renames tools, the server's own names stand beside.`,
    examples: `
      # List the tools of the server in deployment "weather"
      kubectl mcp tools deploy/weather

      # List them as another service account sees them
      kubectl mcp tools weather --as-serviceaccount agents/planner

      # One of several servers in a pod
      kubectl mcp tools deploy/tools --mcp-server weather

      # Print the input schemas
      kubectl mcp tools weather -o json`,
  }).argument('<NAME>');
  addCallerFlags(command)
    .addOption(noHeadersFlag())
    .addOption(outputFlag(FORMATS))
    .addOption(timeoutFlag('30s', 'The length of time to wait for the server, like 5s or 2m.'))
    .action(async (name: string, _options, self: Command) =>
      runTools(name, self.optsWithGlobals<ToolsFlags>(), deps),
    );
}

async function runTools(name: string, flags: ToolsFlags, { streams, env, connect }: Deps): Promise<void> {
  const format = checkFormat(flags.output, FORMATS);
  const timeoutMs = parseDurationMs(flags.timeout, '--timeout');
  const cluster = await connect(flags, env);
  const { findTarget } = await import('../kube/target.ts');
  const { credentialsFor } = await import('../mcp/credentials.ts');
  const { withSession } = await import('../mcp/session.ts');
  const { realNames } = await import('../mcp/real-names.ts');
  const { trustOf } = await import('../mcp/trust.ts');
  const target = await findTarget(cluster, name, flags);
  const caller = await credentialsFor(cluster, target, flags);
  const trust = await trustOf(cluster, target, flags);
  const renamed = format === 'wide' ? await realNames(cluster, target, timeoutMs) : NONE;
  const result = await withSession(cluster, { target, caller, trust, timeoutMs }, (client) =>
    client.listTools({}, { timeout: timeoutMs }),
  );
  if (format === 'json') streams.out.write(formatJson({ tools: result.tools }));
  else if (format === 'yaml') streams.out.write(await formatYaml({ tools: result.tools }));
  else if (format === 'name') for (const tool of result.tools) writeLine(streams.out, visible(tool.name));
  else if (result.tools.length === 0) {
    writeLine(streams.err, `No tools of ${target.title} for ${caller.title}.`);
    const as = caller.title.startsWith('system:') ? caller.title : 'CALLER';
    if (target.server.authorization)
      writeLine(
        streams.err,
        `See what Roles say: kubectl mcp can-i call --list ${target.title} -n ${target.namespace} --as ${as}`,
      );
  } else {
    streams.out.write(
      formatTable(toolColumns(format === 'wide', renamed), result.tools, {
        wide: format === 'wide',
        noHeaders: !flags.headers,
      }),
    );
    tellFlagged(flaggedIn(result.tools), streams);
  }
}

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * The columns, as data.
 * @param renamed the server's own names by those that callers know
 */
export const toolColumns = (wide: boolean, renamed = NONE): readonly Column<Tool>[] => [
  { header: 'NAME', value: ({ name }) => visible(name) },
  ...(renamed.size > 0
    ? [{ header: 'OWN NAME', value: ({ name }: Tool) => visible(renamed.get(name) ?? name) }]
    : []),
  { header: 'READ-ONLY', value: (tool) => String(isReadOnly(tool)) },
  { header: 'DESTRUCTIVE', value: (tool) => String(isDestructive(tool)) },
  { header: 'ARGUMENTS', wide: true, value: argumentsOf },
  { header: 'DESCRIPTION', value: (tool) => shorten(textOf(tool), wide) },
];

const isReadOnly = ({ annotations }: Tool): boolean => annotations?.readOnlyHint === true;
const isDestructive = (tool: Tool): boolean =>
  !isReadOnly(tool) && tool.annotations?.destructiveHint !== false;
const textOf = ({ title, annotations, description }: Tool): string =>
  visible(description ?? title ?? annotations?.title ?? '')
    .replaceAll(/\s+/g, ' ')
    .trim();

function argumentsOf({ inputSchema }: Tool): string {
  const required = new Set(inputSchema.required);
  const names = Object.keys(inputSchema.properties ?? {});
  return visible(names.map((each) => (required.has(each) ? each : `[${each}]`)).join(',')) || '-';
}

const shorten = (text: string, wide: boolean): string =>
  wide || text.length <= SHORT_TEXT ? text : `${text.slice(0, SHORT_TEXT - 1).trimEnd()}…`;
