/** The commander tree, and one run of it from arguments to exit code. */
import { type Command, CommanderError } from 'commander';
import { normalizeArguments } from './argv.ts';
import { addCall } from './commands/call.ts';
import { addCreate } from './commands/create.ts';
import { addInject } from './commands/inject.ts';
import { addInstall } from './commands/install.ts';
import { addList } from './commands/list.ts';
import { addTools } from './commands/tools.ts';
import { addUninstall } from './commands/uninstall.ts';
import { addOptions } from './commands/options.ts';
import { addVersion } from './commands/version.ts';
import type { Deps } from './deps.ts';
import { CliError, EXIT, formatError, usageError } from './errors.ts';
import { addGlobalFlags } from './flags.ts';
import { commandPath, formatHelp, McpCommand } from './help.ts';
import { toCliError } from './kube/errors.ts';
import { writeLine } from './streams.ts';

/** In the order of the help text. */
const COMMANDS: readonly ((program: Command, deps: Deps) => void)[] = [
  addInstall,
  addUninstall,
  addCreate,
  addInject,
  addList,
  addTools,
  addCall,
  addVersion,
  addOptions,
];

export function buildProgram(deps: Deps): McpCommand {
  const program = new McpCommand('kubectl mcp');
  program
    .description(
      'kubectl mcp makes an existing Deployment an authenticated, filtered and audited MCP server, and works with the servers so made.',
    )
    .configureHelp({ formatHelp, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => deps.streams.out.write(text),
      writeErr: (text) => deps.streams.err.write(text),
      // Worded by runProgram, once.
      outputError: () => undefined,
    })
    .helpOption('-h, --help', 'help for the command')
    .exitOverride()
    .showHelpAfterError(false)
    .showSuggestionAfterError(true);
  addGlobalFlags(program);
  for (const add of COMMANDS) add(program, deps);
  return program;
}

/** @param args what follows `kubectl mcp`. */
export async function runProgram(args: readonly string[], deps: Deps): Promise<number> {
  // Faults of the connection name the server, whichever command meets them.
  let server = '';
  const program = buildProgram({
    ...deps,
    connect: async (flags, env) => {
      const cluster = await deps.connect(flags, env);
      server = cluster.server;
      return cluster;
    },
  });
  let current: Command = program;
  for (const parent of [program, ...program.commands]) {
    parent.hook('preSubcommand', (_parent, command) => void (current = command));
  }
  program.hook('preAction', (_program, command) => void (current = command));
  if (args.length === 0) {
    deps.streams.out.write(program.helpInformation());
    return EXIT.ok;
  }
  try {
    await program.parseAsync(normalizeArguments(args, program), { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const worded = error instanceof CommanderError ? wordCommanderError(error) : toCliError(error, server);
    const text = formatError(worded, commandPath(current));
    if (text !== '') writeLine(deps.streams.err, text);
    return worded.exitCode;
  }
}

/** commander's `error: unknown option '--x'` in kubectl's words. */
function wordCommanderError(error: CommanderError): CliError {
  const message = error.message.replace(/^error: /, '');
  if (error.code === 'commander.help') return new CliError('');
  const quoted = /'([^']*)'/.exec(message)?.[1] ?? '';
  const [, suggestion] = /\(Did you mean (?:one of )?(.*)\?\)/.exec(message) ?? [];
  const hint = suggestion ? `\n\nDid you mean this?\n\t${suggestion.split(', ').join('\n\t')}\n` : '';
  if (error.code === 'commander.unknownOption') return usageError(`unknown flag: ${quoted}${hint}`);
  if (error.code === 'commander.unknownCommand') {
    return usageError(`unknown command "${quoted}" for "kubectl mcp"${hint}`);
  }
  if (error.code === 'commander.optionMissingArgument') {
    return usageError(
      `flag needs an argument: ${quoted.split(/[ ,]+/).find((each) => each.startsWith('--')) ?? quoted}`,
    );
  }
  if (error.code === 'commander.missingMandatoryOptionValue') {
    return usageError(`required flag(s) "${/--([-a-z]+)/.exec(quoted)?.[1] ?? quoted}" not set`);
  }
  if (error.code === 'commander.missingArgument')
    return usageError(`required argument ${quoted} not specified`);
  return usageError(message);
}
