/** What overrides make of a call that somebody asks about. Pure. */
import { argumentFault } from '../../sidecar/overrides/argument-shape.ts';
import type { Overrides } from '../../sidecar/overrides/compile-overrides.ts';
import { viewOf } from '../../sidecar/overrides/override-view.ts';
import type { Sources } from './sources.ts';

export interface OverriddenCall {
  /** The server's own name of the tool. */
  readonly tool: string;
  /** As the server would be sent them. */
  readonly args: object;
  /** Why no caller may call it so, whatever is allowed. */
  readonly problem?: string;
  /** The caller sees the tool all the same. */
  readonly ofArguments?: true;
  readonly notes: readonly string[];
}

/** @param name the server's own, or what callers know the tool by */
export function overriddenCall(
  overrides: Overrides | undefined,
  { name, args }: { name: string; args: object },
  tools: Sources['tools'],
): OverriddenCall {
  const override = overrides?.byShown.get(name) ?? overrides?.byTool.get(name);
  const view = overrides && tools && viewOf(overrides, tools);
  const tool = override?.tool ?? name;
  const hidden = view?.hidden.get(tool);
  if (!override) return { tool, args, ...(hidden === undefined ? {} : { problem: hidden }), notes: [] };
  const notes =
    override.shown === tool
      ? []
      : [`callers know "${tool}" as "${override.shown}", and no tool of the name "${tool}"`];
  if (hidden !== undefined) return { tool, args, problem: hidden, notes };
  if (!override.args) return { tool, args, notes };
  const { fixed, removed } = override.args;
  const shape = tools?.get(tool)?.shape;
  const fault = shape && argumentFault(override.args, shape);
  if (fault !== undefined) return { tool, args, problem: fault, notes };
  const unknown = Object.keys(args).find(
    (each) => removed.has(each) || (shape && !shape.names.includes(each)),
  );
  const sent = { ...fixed, ...Object.fromEntries(Object.entries(args).filter(([key]) => !removed.has(key))) };
  return unknown === undefined
    ? { tool, args: sent, notes }
    : {
        tool,
        args: sent,
        problem: `callers cannot send the argument "${unknown}"`,
        ofArguments: true,
        notes,
      };
}
