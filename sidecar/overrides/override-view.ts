/** What overrides come to with the tools that a server has. Pure. */
import type { MirroredParam } from '../upstream/mirrored-params.ts';
import { argumentFault, type ArgumentShape } from './argument-shape.ts';
import type { Override, Overrides } from './compile-overrides.ts';

export interface ShapedTool {
  readonly name: string;
  /** Absent where nobody knows: it is not judged then. */
  readonly shape?: ArgumentShape;
  readonly mirrored?: readonly MirroredParam[];
}
export type ShapedTools = ReadonlyMap<string, ShapedTool>;

export interface OverrideView {
  /** What callers know tools by, where that is not their own name. */
  readonly shown: ReadonlyMap<string, string>;
  /** Why no caller sees a tool, by its own name. */
  readonly hidden: ReadonlyMap<string, string>;
  /** What is not as it was meant, for the owner of the pod. */
  readonly problems: readonly string[];
}

export function viewOf({ byTool }: Overrides, tools: ShapedTools): OverrideView {
  const hidden = new Map<string, string>();
  const problems: string[] = [];
  const renamed = new Map<string, string>();
  for (const override of byTool.values()) {
    const { tool, shown, args } = override;
    if (shown !== tool) renamed.set(tool, shown);
    const known = tools.get(tool);
    const title = `tools.overrides of ${JSON.stringify(tool)}`;
    const taken = isTaken(override, tools, byTool);
    if (!known) {
      const cost = taken ? `; callers do not see its tool ${JSON.stringify(shown)}` : '';
      problems.push(`${title}: the server has no such tool${cost}`);
      if (taken) hidden.set(shown, TAKEN);
      continue;
    }
    if (taken) {
      problems.push(`${title}: the server has a tool ${JSON.stringify(shown)}, too; callers see neither`);
      hidden.set(tool, 'its new name is that of another tool');
      hidden.set(shown, TAKEN);
    }
    const fault = args && known.shape && argumentFault(args, known.shape);
    if (fault !== undefined) {
      problems.push(`${title}: ${fault}; callers do not see it`);
      hidden.set(tool, fault);
    }
    const needed = known.shape?.needed.filter(
      (name) => args?.removed.has(name) && !Object.hasOwn(args.fixed, name),
    );
    if (fault === undefined && needed && needed.length > 0)
      problems.push(`${title}: the server needs ${needed.join(', ')}, which callers cannot send any more`);
  }
  return { shown: renamed, hidden, problems };
}

const TAKEN = 'its name is the new one of another tool';

/** Another tool of the server's has the name, and keeps it. */
const isTaken = ({ tool, shown }: Override, tools: ShapedTools, byTool: Overrides['byTool']): boolean =>
  shown !== tool && tools.has(shown) && (byTool.get(shown)?.shown ?? shown) === shown;
