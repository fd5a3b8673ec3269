import { asBytes } from '../json/splice.ts';
import type { OverrideText } from './overrides-schema.ts';

export const OVERRIDES_RULE = 'policy/tools.overrides';

/** How one tool is shown, ready to be asked. */
export interface Override {
  /** The server's own name. */
  readonly tool: string;
  /** What callers know it by. */
  readonly shown: string;
  /** Of the tool's definition, by key: pieces of JSON, a character for each byte. */
  readonly members: ReadonlyMap<string, string>;
  /** Members of `annotations` likewise. */
  readonly annotations: ReadonlyMap<string, string>;
  /** Undefined: callers send what they like. */
  readonly args?: OverriddenArguments;
}

export interface OverriddenArguments {
  readonly fixed: Readonly<Record<string, unknown>>;
  /** Members of `arguments`, as they are put into a call. */
  readonly pieces: readonly string[];
  /** Fixed and hidden. */
  readonly removed: ReadonlySet<string>;
}

export interface Overrides {
  readonly byTool: ReadonlyMap<string, Override>;
  readonly byShown: ReadonlyMap<string, Override>;
}

/** Undefined where nothing is shown otherwise than the server has it. */
export function compileOverrides(texts: readonly OverrideText[] = []): Overrides | undefined {
  if (texts.length === 0) return undefined;
  const all = texts.map(compileOverride);
  return {
    byTool: new Map(all.map((each) => [each.tool, each])),
    byShown: new Map(all.map((each) => [each.shown, each])),
  };
}

/** What a caller's name stands for: the server's own name, which is undefined for one that callers do not know. */
export function toolCalled(overrides: Overrides | undefined, shown: string): string | undefined {
  const override = overrides?.byShown.get(shown);
  if (override) return override.tool;
  return overrides?.byTool.has(shown) ? undefined : shown;
}

export const shownAs = (overrides: Overrides | undefined, tool: string): string =>
  overrides?.byTool.get(tool)?.shown ?? tool;

function compileOverride({ tool, name, title, description, annotations, ...text }: OverrideText): Override {
  const { fixed = {}, hidden = [] } = text.arguments ?? {};
  const removed = new Set([...Object.keys(fixed), ...hidden]);
  return {
    tool,
    shown: name ?? tool,
    members: piecesOf({ name, title, description }),
    annotations: piecesOf(annotations ?? {}),
    ...(removed.size > 0 && {
      args: {
        fixed,
        removed,
        pieces: Object.entries(fixed).map(
          ([key, value]) => `${asBytes(JSON.stringify(key))}:${asBytes(JSON.stringify(value))}`,
        ),
      },
    }),
  };
}

const piecesOf = (values: object): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, asBytes(JSON.stringify(value))]),
  );
