import type { Log } from '../../log.ts';
import { createStdioChoice, type StdioChoice } from './stdio-choice.ts';
import type { StdioUpstream } from './stdio-config.ts';
import type { Launcher } from './launcher.ts';

export type CreateLauncher = (command: readonly string[]) => Launcher;

export interface OpenStdioDeps {
  readonly launcher?: CreateLauncher | undefined;
  readonly log: Log;
  readonly faulted: (error: unknown) => void;
}

/** By the supervisor of the server's container, or as children where there is no pod. */
export async function openStdio(target: StdioUpstream, deps: OpenStdioDeps): Promise<StdioChoice> {
  return createStdioChoice(target, { ...deps, launcher: await launcherOf(target, deps) });
}

async function launcherOf(
  { runDirectory, command, startSeconds }: StdioUpstream,
  { launcher, log }: OpenStdioDeps,
): Promise<Launcher> {
  if (runDirectory !== undefined) {
    const { createPipesLauncher } = await import('./pipes/pipes-launcher.ts');
    return createPipesLauncher({ runDirectory, startTimeoutMs: startSeconds * 1_000, log });
  }
  if (!launcher) throw new Error('a command is started by kubectl mcp proxy alone; a pod has a runDirectory');
  return launcher(command ?? []);
}
