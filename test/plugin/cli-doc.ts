/** docs/cli.md from the commander tree: what help says, as a page. */
import type { Command, Option } from 'commander';
import { commandPath, defaultOf, flagNames, McpCommand } from '../../plugin/help.ts';

export function cliDoc(program: McpCommand): string {
  const commands = program.commands.flatMap(leaves);
  return `${[
    '# kubectl mcp',
    program.description(),
    "Made from the commands' own help by `UPDATE_GOLDEN=1 node --test test/plugin/cli-doc.test.ts`; do not edit.",
    commands.map((each) => `- [${commandPath(each)}](#${anchorOf(each)}): ${each.summary()}`).join('\n'),
    ...commands.map(section),
    `## Flags of every command\n\n${table(program.options.filter(({ long }) => long !== '--help'))}`,
  ].join('\n\n')}\n`;
}

const leaves = (command: Command): Command[] =>
  command.commands.length > 0 ? command.commands.flatMap(leaves) : [command];

const anchorOf = (command: Command): string => commandPath(command).replaceAll(' ', '-');

function section(command: Command): string {
  const options = command.options.filter(({ long }) => long !== '--help');
  return [
    `## ${commandPath(command)}`,
    command.description(),
    `\`\`\`\n${commandPath(command)} ${command.usage()}\n\`\`\``,
    ...(command instanceof McpCommand && command.examples
      ? [`\`\`\`sh\n${unindent(command.examples)}\n\`\`\``]
      : []),
    ...(options.length > 0 ? [table(options)] : []),
  ].join('\n\n');
}

const table = (options: readonly Option[]): string =>
  ['| Flag | Default | |', '| --- | --- | --- |', ...options.map(row)].join('\n');

const row = (option: Option): string =>
  `| \`${flagNames(option)}\` | \`${defaultOf(option)}\` | ${option.description.replaceAll('|', '\\|').replaceAll(/<(\w+)>/g, '`$&`')} |`;

const unindent = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .join('\n');
