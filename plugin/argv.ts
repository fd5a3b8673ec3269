/** What kubectl's flag parser takes and commander does not. Pure. */
import type { Command, Option } from 'commander';

const TRUE = new Set(['true', 't', '1', 'TRUE', 'True', 'T']);
const FALSE = new Set(['false', 'f', '0', 'FALSE', 'False', 'F']);

/** `--wait=false` becomes `--no-wait`, `--all-namespaces=true` loses its value, `-n=x` becomes `-n x`. */
export function normalizeArguments(args: readonly string[], program: Command): string[] {
  const options = allOptions(program);
  const end = args.indexOf('--');
  const flags = end === -1 ? args : args.slice(0, end);
  return [...flags.flatMap((each) => normalize(each, options)), ...(end === -1 ? [] : args.slice(end))];
}

function normalize(word: string, options: readonly Option[]): string[] {
  const [, short, shortValue] = /^-([A-Za-z])=(.*)$/s.exec(word) ?? [];
  if (short !== undefined) return [`-${short}`, shortValue ?? ''];
  const [, name, value] = /^--([a-z][-a-z]*)=(.*)$/s.exec(word) ?? [];
  if (name === undefined || value === undefined || !(TRUE.has(value) || FALSE.has(value))) return [word];
  const isOn = TRUE.has(value);
  const own = options.find((each) => each.long === `--${name}` && !takesValue(each));
  if (own) return isOn ? [`--${name}`] : [];
  const negated = options.find((each) => each.long === `--no-${name}`);
  if (negated) return isOn ? [] : [`--no-${name}`];
  return [word];
}

const takesValue = (option: Option): boolean => option.required || option.optional;

const allOptions = (command: Command): Option[] => [
  ...command.options,
  ...command.commands.flatMap((each) => allOptions(each)),
];
