import type { Command } from 'commander';
import type { Deps } from '../deps.ts';
import { addCommand, formatOption } from '../help.ts';

/** `kubectl mcp options`: the flags of every command, as `kubectl options` prints them. */
export function addOptions(program: Command, { streams }: Deps): void {
  addCommand(program, {
    usage: 'options',
    short: 'Print the list of flags inherited by all commands',
    examples: `
      # Print flags inherited by all commands
      kubectl mcp options`,
  }).action(() => {
    const flags = program.options.filter((option) => option.long !== '--help').map(formatOption);
    streams.out.write(`The following options can be passed to any command:\n\n${flags.join('\n\n')}\n`);
  });
}
