/** The commander tree, and one run of it from arguments to exit code. */
import { type Command, CommanderError } from 'commander';
import { normalizeArguments } from './argv.ts';
import type { Deps } from './deps.ts';
import { CliError, EXIT, formatError, usageError } from './errors.ts';
import { addGlobalFlags } from './flags.ts';
import { commandPath, formatHelp, McpCommand } from './help.ts';
import { toCliError } from './kube/errors.ts';
import { writeLine } from './streams.ts';

type AddCommand = (program: Command, deps: Deps) => void;

/** In the order of the help text. A command is loaded when it is named, for what one needs may cost others time. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  install: async () => (await import('./commands/install.ts')).addInstall,
  uninstall: async () => (await import('./commands/uninstall.ts')).addUninstall,
  create: async () => (await import('./commands/create.ts')).addCreate,
  inject: async () => (await import('./commands/inject.ts')).addInject,
  uninject: async () => (await import('./commands/uninject.ts')).addUninject,
  enable: async () => (await import('./commands/enable.ts')).addEnable,
  disable: async () => (await import('./commands/disable.ts')).addDisable,
  restart: async () => (await import('./commands/restart.ts')).addRestart,
  list: async () => (await import('./commands/list.ts')).addList,
  tools: async () => (await import('./commands/tools.ts')).addTools,
  call: async () => (await import('./commands/call.ts')).addCall,
  token: async () => (await import('./commands/token.ts')).addToken,
  pin: async () => (await import('./commands/pin.ts')).addPin,
  grant: async () => (await import('./commands/grant.ts')).addGrant,
  'can-i': async () => (await import('./commands/can-i.ts')).addCanI,
  audit: async () => (await import('./commands/audit.ts')).addAudit,
  policy: async () => (await import('./commands/policy.ts')).addPolicy,
  proxy: async () => (await import('./commands/proxy.ts')).addProxy,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
  version: async () => (await import('./commands/version.ts')).addVersion,
  options: async () => (await import('./commands/options.ts')).addOptions,
};

/** @param args decide which commands are loaded: those named in them, else all. */
export async function buildProgram(deps: Deps, args: readonly string[] = []): Promise<McpCommand> {
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
  const named = Object.keys(COMMANDS).filter((each) => args.includes(each));
  const wanted = named.length > 0 && !args.includes('help') ? named : Object.keys(COMMANDS);
  for (const add of await Promise.all(wanted.map((each) => COMMANDS[each]!()))) add(program, deps);
  return program;
}

/** @param args what follows `kubectl mcp`. */
export async function runProgram(args: readonly string[], deps: Deps): Promise<number> {
  // Faults of the connection name the server, whichever command meets them.
  let server = '';
  const connect: Deps['connect'] = async (flags, env) => {
    const cluster = await deps.connect(flags, env);
    server = cluster.server;
    return cluster;
  };
  const program = await buildProgram({ ...deps, connect }, args);
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
    const worded =
      error instanceof CommanderError
        ? wordCommanderError(error, commandPath(current))
        : toCliError(error, server);
    const text = formatError(worded, commandPath(current));
    if (text !== '') writeLine(deps.streams.err, text);
    return worded.exitCode;
  }
}

/** commander's `error: unknown option '--x'` in kubectl's words. */
function wordCommanderError(error: CommanderError, path: string): CliError {
  const message = error.message.replace(/^error: /, '');
  if (error.code === 'commander.help') return new CliError('');
  const quoted = /'([^']*)'/.exec(message)?.[1] ?? '';
  const [, suggestion] = /\(Did you mean (?:one of )?(.*)\?\)/.exec(message) ?? [];
  const hint = suggestion ? `\n\nDid you mean this?\n\t${suggestion.split(', ').join('\n\t')}\n` : '';
  if (error.code === 'commander.unknownOption') return usageError(`unknown flag: ${quoted}${hint}`);
  if (error.code === 'commander.unknownCommand') {
    return usageError(`unknown command "${quoted}" for "${path}"${hint}`);
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
