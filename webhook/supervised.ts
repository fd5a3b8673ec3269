/** The container of a stdio server: its command starts a supervisor, which starts what it was once for each session. */
import type { V1Container, V1VolumeMount } from '@kubernetes/client-node';
import { isStdioVolume, runVolumeName, STDIO_VOLUME } from './names.ts';

export const BIN_DIRECTORY = '/kubectl-mcp-bin';
/** In the server's container, whatever the server is called. */
export const RUN_DIRECTORY = '/run/kubectl-mcp';

/** What stands before the command; Kubernetes goes on expanding `$(NAME)` behind it. */
export const SUPERVISOR = [`${BIN_DIRECTORY}/supervise`, '--'] as const;

/** Where the supervisor stands; another injector may have put a program of its own before it, as Bank-Vaults' does. */
function supervisorAt(words: readonly string[] = []): number {
  for (let at = 0; at + SUPERVISOR.length <= words.length; at++) {
    if (SUPERVISOR.every((each, index) => words[at + index] === each)) return at;
  }
  return -1;
}

const isCommandSupervised = ({ command, args }: V1Container): boolean =>
  supervisorAt(command) >= 0 || supervisorAt(args) >= 0;

/** By an earlier pass; of several servers, this one's. */
export const isSupervised = (container: V1Container, server?: string): boolean =>
  isCommandSupervised(container) &&
  (container.volumeMounts ?? []).some(({ name }) => name === runVolumeName(server));

type Entry = {
  /** Where the container has none of its own. */
  command: readonly string[];
  server: string | undefined;
  /** See {@link ownCommand}. */
  hadCommand: boolean;
};

/** Arguments stay where they are, behind the command. */
export function supervised(container: V1Container, { command, server, hadCommand }: Entry): V1Container {
  const mounts = (container.volumeMounts ?? []).filter(
    (each) => !isStdioVolume(each) || [STDIO_VOLUME.bin, runVolumeName(server)].includes(each.name),
  );
  const volumeMounts = [
    { name: STDIO_VOLUME.bin, mountPath: BIN_DIRECTORY, readOnly: true },
    { name: runVolumeName(server), mountPath: RUN_DIRECTORY },
  ].reduce(withMount, mounts);
  if (isMoved(container)) return { ...container, volumeMounts };
  const own = ownCommand(container, hadCommand);
  return { ...container, command: [...SUPERVISOR, ...(own.length > 0 ? own : command)], volumeMounts };
}

/** Behind a program of another injector's: its place is not ours to choose any more. */
export const isMoved = ({ command, args }: V1Container): boolean =>
  supervisorAt(command) > 0 || supervisorAt(args) >= 0;

/** @param hadCommand of a supervised one, false where its command came from an annotation. */
export const ownCommand = ({ command = [] }: V1Container, hadCommand: boolean): readonly string[] =>
  supervisorAt(command) === 0 && !hadCommand ? [] : without(command);

/** As it was. @param hadCommand see {@link ownCommand}. */
export function unsupervised(container: V1Container, hadCommand: boolean): V1Container {
  if (!isCommandSupervised(container)) return container;
  const { command: _, args = [], volumeMounts = [], ...rest } = container;
  const mounts = volumeMounts.filter((each) => !isStdioVolume(each));
  const own = ownCommand(container, hadCommand);
  const words = without(args);
  return {
    ...rest,
    ...(own.length > 0 && { command: [...own] }),
    ...(words.length > 0 && { args: words }),
    ...(mounts.length > 0 && { volumeMounts: mounts }),
  };
}

function without(words: readonly string[]): string[] {
  const at = supervisorAt(words);
  return at < 0 ? [...words] : words.toSpliced(at, SUPERVISOR.length);
}

/** In the place of its namesake. */
const withMount = (mounts: V1VolumeMount[], mount: V1VolumeMount): V1VolumeMount[] =>
  mounts.some(({ name }) => name === mount.name)
    ? mounts.map((each) => (each.name === mount.name ? mount : each))
    : [...mounts, mount];
