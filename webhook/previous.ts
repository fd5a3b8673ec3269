/** What an earlier pass left in a pod. A pod's author could write it too, and choose no more than by annotation. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { CONFIG_ENV, configSchema } from '../sidecar/config.ts';
import type { SidecarConfig } from '../sidecar/config.ts';
import type { InjectionRequest } from './request.ts';
import { SIDECAR_CONTAINER } from './names.ts';

export const givenSidecar = (spec: V1PodSpec): V1Container | undefined =>
  spec.initContainers?.find((each) => each.name === SIDECAR_CONTAINER);

export function previousConfig(spec: V1PodSpec): SidecarConfig | undefined {
  const text = givenSidecar(spec)?.env?.find((each) => each.name === CONFIG_ENV)?.value;
  if (text === undefined) return undefined;
  try {
    return configSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The port of one server as it was written down; by its own name, for that of the workload may not be known again. */
export const previousPort = (
  config: SidecarConfig | undefined,
  { server }: InjectionRequest,
): number | undefined =>
  config?.servers.find(({ name }) => server === undefined || name.endsWith(`/${server.name}`))?.upstream.port;
