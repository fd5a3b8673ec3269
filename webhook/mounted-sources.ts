/** Of what annotations name: where the sidecar finds it. */
import type { InjectionRequest } from './request.ts';
import { mountPath } from './volumes.ts';

/** The sidecar's default is that of a server without a name. */
export const directoryOf = (request: InjectionRequest, key: Mounted): { directory?: string } =>
  request.server ? { directory: mountPath(key, request.server.name) } : {};
type Mounted = Parameters<typeof mountPath>[0];

type VolumeDirectory = NonNullable<InjectionRequest['token-volume']>;

type Source = { secret: string | undefined; volume: VolumeDirectory | undefined };

/** Of a Secret, or of a volume of the pod that another tool fills. */
export function sourceOf({ secret, volume }: Source, request: InjectionRequest, key: Mounted) {
  if (!volume) return { source: `secret/${secret}`, ...directoryOf(request, key) };
  const mount = mountPath(key, request.server?.name);
  return {
    source: `volume/${volume.volume}`,
    ...(volume.directory ? { directory: `${mount}/${volume.directory}` } : directoryOf(request, key)),
  };
}
