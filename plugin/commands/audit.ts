import { type Command, Option } from 'commander';
import { OUTCOMES } from '../audit/filter.ts';
import { FORMATS } from '../audit/printers.ts';
import type { AuditFlags } from '../audit/run.ts';
import type { Deps } from '../deps.ts';
import { allNamespacesFlag, collect, noHeadersFlag, outputFlag, selectorFlag } from '../flags.ts';
import { addCommand } from '../help.ts';

export function addAudit(program: Command, deps: Deps): void {
  const command = addCommand(program, {
    usage: 'audit [(NAME | TYPE/NAME)...]',
    short: 'Show who called what, from the audit lines of all pods in order of time',
    long: `Show who called what: the audit lines of all pods of MCP servers, in order of time. Without a name these are the pods of the namespace that have a proxy; NAME is a deployment, statefulset, daemonset or pod.

They are read from the logs that the nodes keep, of the run of a container before the one of now too, or with -f from files, as "kubectl logs" or a runtime wrote them. What is older, or was in pods that are gone, is where your logs are collected.

Filters take several values with a comma between them, and may be repeated; where they are names, "*" and "?" stand for other characters. --tool takes what callers call a tool, too; --principal also who calls for somebody. Lines that are cut or no JSON are counted on stderr.

Exit code 1 means that a log could not be read; the records of the others are printed.`,
    examples: `
      # What has been called in a server, in all of its pods
      kubectl mcp audit deploy/weather

      # What was denied in the last hour, in the whole cluster, and by which rule
      kubectl mcp audit -A --outcome denied --since 1h

      # Calls of some tools by one caller, as they come
      kubectl mcp audit weather --tool 'delete_*,exec' --principal '*:agents:planner' --follow

      # For a spreadsheet
      kubectl mcp audit weather --since 24h -o csv > audit.csv

      # From logs that were collected
      kubectl mcp audit -f pod-1.log -f pod-2.log -o wide
      kubectl logs -l app=weather -c mcp-proxy --prefix --tail=-1 | kubectl mcp audit -f -`,
  }).argument('[names...]');
  command
    .addOption(allNamespacesFlag())
    .addOption(
      filter(
        '--component <name>',
        'Only of these servers: the name in field "component", like weather or tools/time.',
      ),
    )
    .addOption(
      filter(
        '-f, --filename <file>',
        'A file to read instead of logs of pods; - reads stdin. This flag can be repeated.',
      ),
    )
    .option('--follow', 'If true, go on with what is written from now on, by new pods too, until Ctrl-C.')
    .option('--max-log-requests <count>', 'The number of logs that may be read at once.', '50')
    .addOption(filter('--method <method>', 'Only of these methods, like tools/call or resources/*.'))
    .addOption(noHeadersFlag())
    .addOption(filter('--outcome <outcome>', `Only of these outcomes: ${OUTCOMES.join(', ')}.`))
    .addOption(outputFlag(FORMATS))
    .addOption(
      filter('--principal <name>', 'Only of these callers, like token:ci or system:serviceaccount:agents:*.'),
    )
    .addOption(selectorFlag())
    .option(
      '--since <duration>',
      'Only records newer than a relative duration like 5s, 2m, or 3h. Defaults to all.',
    )
    .option('--since-time <time>', 'Only records after a specific date (RFC3339). Defaults to all.')
    .option(
      '--tail <count>',
      'The number of most recent records to show, of all pods together; -1 shows all.',
      '-1',
    )
    .addOption(filter('--tool <name>', 'Only about these tools.'))
    .action(async (names: string[], _options, self: Command) =>
      (await import('../audit/run.ts')).runAudit(names, self.optsWithGlobals<AuditFlags>(), deps),
    );
}

const filter = (flags: string, text: string): Option => new Option(flags, text).argParser(collect);
