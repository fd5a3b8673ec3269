/** The init container that copies the supervisor of stdio servers to where their containers start it. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { BIN_CONTAINER, STDIO_VOLUME } from './names.ts';
import { BIN_DIRECTORY } from './supervised.ts';

/** Tells a later pass, and the way back, which containers left their command to the image. */
const COMMANDS_ENV = 'KUBECTL_MCP_COMMANDS_OF_ANNOTATIONS';

/** Of a user's own with this name there is nothing to take over. */
export const isBinContainer = ({ name, volumeMounts = [] }: V1Container): boolean =>
  name === BIN_CONTAINER && volumeMounts.some((each) => each.name === STDIO_VOLUME.bin);

/**
 * Before the proxy, with the same resources: an init container that ends before a larger one asks for nothing more.
 * @param unnamed containers whose command comes from an annotation.
 */
export const binContainer = (sidecar: V1Container, unnamed: readonly string[]): V1Container => ({
  name: BIN_CONTAINER,
  image: sidecar.image!,
  imagePullPolicy: sidecar.imagePullPolicy!,
  command: ['/bin/busybox', 'cp', '/app/supervise', `${BIN_DIRECTORY}/supervise`],
  ...(unnamed.length > 0 && { env: [{ name: COMMANDS_ENV, value: unnamed.join(',') }] }),
  resources: sidecar.resources!,
  securityContext: sidecar.securityContext!,
  volumeMounts: [{ name: STDIO_VOLUME.bin, mountPath: BIN_DIRECTORY }],
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'FallbackToLogsOnError',
});

/** Containers whose command an earlier pass took from an annotation. */
export const previouslyUnnamed = ({ initContainers = [] }: V1PodSpec): string[] =>
  (initContainers.find(isBinContainer)?.env?.find(({ name }) => name === COMMANDS_ENV)?.value ?? '')
    .split(',')
    .filter((each) => each !== '');
