/** Characters that a model reads and a person does not see, or takes for others (UTS 39). Pure. */
import { PINNED_FIELDS } from '../pins/definition.ts';
import { LOOK_ALIKES } from './look-alikes.ts';

export interface Flagged {
  readonly tool: string;
  /** `description`, `inputSchema.properties.path.description`. */
  readonly where: string;
  /** What is wrong there, with the characters by their numbers. */
  readonly what: string;
}

/** Controls, what is drawn as nothing or turns the direction of text; tag characters are among them (UAX 44). */
const HIDDEN = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Zl}\p{Zp}\ufff9-\ufffb]/u;
/** Where they have a use: pictures, the joiners of scripts that need them, variants of Han characters, line breaks. */
const LEGITIMATE =
  /\p{RGI_Emoji}|\p{Emoji}[\ufe0e\ufe0f]|(?<=[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mong}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}])[\u200c\u200d](?=\p{L})|(?<=\p{sc=Han})[\ufe00-\ufe02\u{e0100}-\u{e01ef}]|[\t\n\r]/gv;
const RIGHT_TO_LEFT = /[\p{sc=Hebr}\p{sc=Arab}\p{sc=Syrc}\p{sc=Thaa}\p{sc=Nkoo}]/u;
const MARKS = /[\u200e\u200f\u061c]/g;
/** SEP-986. */
const OF_NAMES = /^[A-Za-z0-9_\-./]*$/;
const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Armenian',
  'Hebrew',
  'Arabic',
  'Cherokee',
  'Georgian',
  'Han',
].map((script) => [script, new RegExp(`\\p{Script=${script}}`, 'u')] as const);
const TOLD = 5;

export const hasHidden = (text: string): boolean => HIDDEN.test(text) && hiddenIn(text).length > 0;

/** The hidden characters that have no use where they stand, each once: `U+202E`. */
export function hiddenIn(text: string): string[] {
  if (!HIDDEN.test(text)) return [];
  const rest = text.replace(LEGITIMATE, '').replace(RIGHT_TO_LEFT.test(text) ? MARKS : /$^/, '');
  return [...new Set([...rest].filter((each) => HIDDEN.test(each)).map(numberOf))];
}

/** The text with its hidden characters spelled out: safe for a terminal, and for eyes. */
export const visible = (text: string): string =>
  hasHidden(text)
    ? [...text]
        .map((each) => (HIDDEN.test(each) && !/[\t\n\r]/.test(each) ? `<${numberOf(each)}>` : each))
        .join('')
    : text;

/** What should be looked at in the tools of one server. */
export function flaggedIn(tools: readonly unknown[]): Flagged[] {
  const named = tools.flatMap((tool) => {
    const { name } = (tool ?? {}) as { name?: unknown };
    return typeof name === 'string' ? [{ name, tool: tool as Record<string, unknown> }] : [];
  });
  const skeletons = Map.groupBy(new Set(named.map(({ name }) => name)), skeletonOf);
  return named.flatMap(({ name, tool }) => [
    ...[...faultsOfName(name), ...twins(name, skeletons)].map((what) => ({
      tool: name,
      where: 'name',
      what,
    })),
    ...PINNED_FIELDS.flatMap((field) =>
      textsIn(tool[field], field).flatMap(([where, text]) => {
        const hidden = hiddenIn(text);
        return hidden.length === 0
          ? []
          : [{ tool: name, where, what: `has ${list(hidden)}, which is not seen` }];
      }),
    ),
  ]);
}

function faultsOfName(name: string): string[] {
  if (OF_NAMES.test(name)) return [];
  const hidden = hiddenIn(name);
  if (hidden.length > 0) return [`has ${list(hidden)}, which is not seen`];
  const scripts = SCRIPTS.filter(([, pattern]) => pattern.test(name)).map(([script]) => script);
  if (scripts.length > 1) return [`mixes letters of ${scripts.join(' and ')}`];
  const others = [...new Set(name)].filter((each) => !OF_NAMES.test(each)).map(numberOf);
  return [`has ${list(others)}, which names of tools should not have`];
}

const twins = (name: string, skeletons: ReadonlyMap<string, readonly string[]>): string[] =>
  (skeletons.get(skeletonOf(name)) ?? [])
    .filter((each) => each !== name)
    .map((each) => `looks like "${visible(each)}"`);

const TAKEN_FOR = new Map(
  Object.entries(LOOK_ALIKES).flatMap(([seen, letters]) => [...letters].map((each) => [each, seen] as const)),
);

/** Equal for names that look alike (UTS 39, section 4). */
const skeletonOf = (name: string): string =>
  [...name.normalize('NFKC')]
    .filter((each) => !HIDDEN.test(each))
    .map((each) => TAKEN_FOR.get(each) ?? each)
    .join('');

/** Every text of a value, keys too, with its path. */
function textsIn(value: unknown, path: string): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = `${path}.${visible(key)}`;
    return [...(hasHidden(key) ? [[at, key] as [string, string]] : []), ...textsIn(inner, at)];
  });
}

const list = (numbers: readonly string[]): string =>
  numbers.slice(0, TOLD).join(', ') + (numbers.length > TOLD ? ` and ${numbers.length - TOLD} more` : '');

const numberOf = (character: string): string =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
