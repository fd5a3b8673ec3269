import type { Command } from 'commander';
import {
  ACCESS_VERBS,
  resourceAttributes,
  type AccessVerb,
  type AskedAccess,
} from '../../sidecar/access/attributes.ts';
import { notAdmitted } from '../access/admitted.ts';
import { allowedBy, listAllowed, type Asker } from '../access/ask.ts';
import { findServer, notAsked, type ServerFlags } from '../access/server.ts';
import { accountIn, subjectFrom } from '../access/subject.ts';
import type { Deps } from '../deps.ts';
import { exitWith, EXIT, usageError } from '../errors.ts';
import { noHeadersFlag, outputFlag, type GlobalFlags } from '../flags.ts';
import { addCommand } from '../help.ts';
import { checkFormat, formatJson, formatYaml } from '../print/object.ts';
import { formatTable } from '../print/table.ts';
import { writeLine } from '../streams.ts';

const FORMATS = ['json', 'yaml', 'name'] as const;
const VERBS = Object.values(ACCESS_VERBS).join(', ');

interface CanIFlags extends GlobalFlags, ServerFlags {
  readonly list?: boolean;
  readonly quiet?: boolean;
  readonly headers: boolean;
  readonly output?: string;
}

export function addCanI(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'can-i VERB NAME [SERVER]',
    short: 'Check whether a caller may use a tool, as the proxy asks',
    long: `Check whether a caller may use a tool of a server with "authorization: kubernetes": the API server is asked the same question as the proxy asks it. VERB is call (a tool), get (a prompt) or read (a resource, by its URI). Without SERVER it is the only one of the namespace.

--as names a caller of the MCP server: NAMESPACE/SERVICEACCOUNT, or as bindings do, oidc:alice or token:ci; it impersonates nobody. Without it, it is you. Answers yes or no, with exit code 0 or 1. Annotations and policy must allow a call, too: --list looks at both, kubectl mcp policy test at what the policy says of a caller.`,
    examples: `
      # May a service account call a tool?
      kubectl mcp can-i call echo everything --as agents/planner

      # A user of an identity provider, by a group
      kubectl mcp can-i call echo deploy/everything --as oidc:alice --as-group oidc:devs

      # Each tool of a running server
      kubectl mcp can-i call --list everything --as agents/planner`,
  })
    .argument('<VERB>')
    .argument('[NAME]')
    .argument('[SERVER]');
  command
    .option('--list', 'If true, ask about each tool that the running server has.')
    .option('-q, --quiet', 'If true, suppress output and just return the exit code.')
    .option('--mcp-server <name>', 'Of several servers in one pod: which one.')
    .addOption(noHeadersFlag())
    .addOption(outputFlag(FORMATS))
    .action(
      async (verb: string, name: string | undefined, server: string | undefined, _options, self: Command) =>
        runCanI({ verb, name, server }, self.optsWithGlobals<CanIFlags>(), deps),
    );
}

interface Arguments {
  readonly verb: string;
  readonly name: string | undefined;
  readonly server: string | undefined;
}

async function runCanI(given: Arguments, flags: CanIFlags, deps: Deps): Promise<void> {
  const { out, err } = deps.streams;
  const format = checkFormat(flags.output, FORMATS);
  const verb = verbOf(given.verb);
  const { as, asGroup = [], asUid: _, ...own } = flags;
  if (as === undefined && asGroup.length > 0) throw usageError('--as-group needs --as');
  if (flags.list ? given.server !== undefined || verb !== ACCESS_VERBS.tool : given.name === undefined)
    throw usageError(
      flags.list ? 'with --list say: can-i call --list [SERVER]' : 'must specify what to ask about: NAME',
    );
  const cluster = await deps.connect(own, deps.env);
  const found = await findServer(cluster, flags.list ? given.name : given.server, flags);
  const asker: Asker = { cluster, ...(as === undefined ? {} : { subject: subjectFrom(as, asGroup) }) };
  const notes = [
    notAsked(found),
    as === undefined ? undefined : notAdmitted(found, accountIn(as) ?? { name: as }),
  ];
  for (const note of flags.quiet ? [] : notes) if (note !== undefined) writeLine(err, `Warning: ${note}`);
  const asked: AskedAccess = { namespace: found.namespace, server: found.server, verb };
  if (flags.list) {
    const tools = await listAllowed(asker, found, asked);
    if (format === 'json') out.write(formatJson({ tools }));
    else if (format === 'yaml') out.write(await formatYaml({ tools }));
    else if (format === 'name') {
      for (const { name, allowed } of tools) if (allowed) writeLine(out, name);
    } else if (tools.length === 0) writeLine(err, 'No tools found.');
    else out.write(formatTable(COLUMNS, tools, { noHeaders: !flags.headers }));
    return;
  }
  const question = { ...asked, name: given.name };
  const { allowed, reason } = await allowedBy(asker, question);
  const answer = {
    allowed,
    ...(reason ? { reason } : {}),
    ...asker.subject,
    resourceAttributes: resourceAttributes(question),
  };
  if (format === 'json') out.write(formatJson(answer));
  else if (format === 'yaml') out.write(await formatYaml(answer));
  else if (!flags.quiet) writeLine(out, allowed ? 'yes' : 'no');
  if (!allowed) throw exitWith(EXIT.error);
}

const COLUMNS = [
  { header: 'NAME', value: ({ name }: { name: string }) => name },
  { header: 'ALLOWED', value: ({ allowed }: { allowed: boolean }) => (allowed ? 'yes' : 'no') },
  { header: 'BY', value: ({ by }: { by: string }) => by },
];

function verbOf(text: string): AccessVerb {
  const verb = Object.values(ACCESS_VERBS).find((each) => each === text);
  if (!verb) throw usageError(`unknown verb "${text}"; it is one of ${VERBS}`);
  return verb;
}
