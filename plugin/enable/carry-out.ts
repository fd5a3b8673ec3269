/** A plan done in its order, and taken back in the opposite order when a step fails. */
import { CliError } from '../errors.ts';
import { type Change, type Plan, undoOf } from './change.ts';
import { isRepointing } from './endpoints.ts';

export interface Hands {
  /** Does one change; gives it back as the API server has it now. */
  readonly apply: (change: Change) => Promise<Change>;
  /** Returns when every pod is as the template says, with a sidecar or without. */
  readonly waitForPods: (stage: 'opened' | 'changed' | 'closed') => Promise<void>;
  /** Returns when the server's own port did not answer another pod; throws when it did. */
  readonly dialClosed: () => Promise<void>;
  /** Returns when callers of these Services are led where they now point. */
  readonly waitForEndpoints: (services: readonly Change[]) => Promise<void>;
  /** After a template was taken back: its pods that would not follow. */
  readonly freePods: (template: Change) => Promise<void>;
  /** After each change that was done. */
  readonly done: (change: Change) => void;
  /** After each change that was taken back, or could not be. */
  readonly undone: (change: Change, error?: unknown) => void;
}

/**
 * Waits for the pods whenever something was, or is to be, changed behind the template, and for what follows a Service.
 * @throws {CliError} of the step that failed, when all before it is taken back as far as possible.
 */
export async function carryOut(plan: Plan, hands: Hands): Promise<void> {
  const applied: Change[] = [];
  const rolledOut: Change[] = [];
  const step = async (change: Change): Promise<void> => {
    applied.push(await hands.apply(change));
    hands.done(change);
  };
  const rollOut = async (template: Change): Promise<void> => {
    await step(template);
    rolledOut.push(template);
  };
  const stepAll = async (changes: readonly Change[]): Promise<void> => {
    const last = changes.findLast(isRepointing);
    for (const change of changes) {
      await step(change);
      // Before the old port is closed, or pods come that do not answer at it.
      if (change === last) await hands.waitForEndpoints(changes.filter(isRepointing));
    }
  };
  try {
    if (plan.opens) {
      await rollOut(plan.opens);
      await hands.waitForPods('opened');
    }
    await stepAll(plan.before);
    if (plan.template) await rollOut(plan.template);
    if (plan.template || plan.after.length > 0) await hands.waitForPods('changed');
    await stepAll(plan.after);
    if (plan.closes) {
      await rollOut(plan.closes);
      await hands.waitForPods('closed');
    }
    if (plan.dials) await hands.dialClosed();
  } catch (error) {
    const isClosed = plan.closes && rolledOut.includes(plan.closes);
    await takeBack(applied, hands, isClosed ? () => hands.waitForPods('opened') : undefined);
    for (const each of rolledOut) await hands.freePods(each);
    throw worded(error, applied.length);
  }
}

/** @param opened after the last change is taken back: Services must not go back to a port that answers nobody yet. */
async function takeBack(
  applied: readonly Change[],
  hands: Hands,
  opened?: () => Promise<void>,
): Promise<void> {
  for (const [index, change] of applied.toReversed().entries()) {
    if (index === 1) await opened?.().catch(() => undefined);
    const undo = undoOf(change);
    try {
      await hands.apply(undo);
      hands.undone(undo);
    } catch (error) {
      hands.undone(undo, error);
    }
  }
}

function worded(error: unknown, count: number): unknown {
  if (!(error instanceof CliError) || count === 0) return error;
  const { exitCode, bare, usage, cause } = error;
  return new CliError(`${error.message}\nWhat had been changed was taken back`, {
    exitCode,
    bare,
    usage,
    cause,
  });
}
