/** Commands whose help looks like kubectl's: description, Examples, Options, Usage. */
import { Command, type Help, type Option } from 'commander';

export interface CommandText {
  /** Name and arguments, `call NAME TOOL`. */
  readonly usage: string;
  /** One line, in the list of commands. */
  readonly short: string;
  /** What a person must know before use; the short text when absent. */
  readonly long?: string;
  /** `# comment` lines, each above its command. */
  readonly examples?: string;
}

/** A commander command that also has examples. */
export class McpCommand extends Command {
  examples = '';

  override createCommand(name?: string): McpCommand {
    return new McpCommand(name);
  }
}

/** Adds a command below `parent`; arguments in `usage` are for help only, declare them with `.argument`. */
export function addCommand(parent: Command, { usage, short, long, examples = '' }: CommandText): McpCommand {
  const [name, ...rest] = usage.split(' ');
  const command = parent.command(name!) as McpCommand;
  command.summary(short).description(long ?? short);
  command.usage([...rest, '[options]'].join(' '));
  command.examples = examples;
  return command;
}

/** `kubectl mcp create server`: what a person types. */
export function commandPath(command: Command): string {
  const names: string[] = [];
  for (let each: Command | null = command; each; each = each.parent) names.unshift(each.name());
  return names.join(' ');
}

export function formatHelp(command: Command, helper: Help): string {
  const options = helper.visibleOptions(command).filter((option) => option.long !== '--help');
  const children = helper.visibleCommands(command).filter((each) => each.name() !== 'help');
  const path = commandPath(command);
  return [
    command.description(),
    command instanceof McpCommand && command.examples ? `Examples:\n${indent(command.examples)}` : '',
    children.length > 0 ? `Available Commands:\n${listCommands(children)}` : '',
    command.parent && options.length > 0 ? `Options:\n${options.map(formatOption).join('\n\n')}` : '',
    `Usage:\n  ${children.length > 0 ? `${path} COMMAND [options]` : `${path} ${command.usage()}`}`,
    children.length > 0 ? `Use "${path} COMMAND --help" for more information about a given command.` : '',
    'Use "kubectl mcp options" for a list of global command-line options (applies to all commands).',
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** kubectl's two lines: the flag with its default, then the words. */
export const formatOption = (option: Option): string =>
  `    ${flagNames(option)}=${defaultOf(option)}:\n        ${option.description}`;

/** What is `--no-wait` to commander is `--wait=true` to kubectl; `--no-headers` is kubectl's own. */
const isNegated = ({ negate, long }: Option): boolean => negate && long !== '--no-headers';

export function flagNames(option: Option): string {
  const long = isNegated(option) ? `--${option.long!.slice('--no-'.length)}` : option.long!;
  return option.short ? `${option.short}, ${long}` : long;
}

export function defaultOf(option: Option): string {
  if (isNegated(option)) return 'true';
  if (option.isBoolean() || option.negate) return 'false';
  if (option.parseArg?.name === 'collect') return '[]';
  if (typeof option.defaultValue === 'number') return String(option.defaultValue);
  return `'${option.defaultValue ?? ''}'`;
}

function listCommands(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((each) => each.name().length)) + 3;
  return commands.map((each) => `  ${each.name().padEnd(width)}${each.summary()}`).join('\n');
}

const indent = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? '' : `  ${line.trim()}`))
    .join('\n');
