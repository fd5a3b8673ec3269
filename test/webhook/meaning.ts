/** What a pod says, whatever way it is written: empty lists are absent ones, and so is what `inject()` does not read. */
import type { V1Container, V1ObjectMeta, V1Pod, V1Probe } from '@kubernetes/client-node';

export function meaningOf({ metadata, spec, ...rest }: V1Pod): V1Pod {
  const pod = { ...rest, ...(metadata && { metadata: withoutEmptyLists(metadata) }) };
  if (!spec) return pod;
  const { volumes = [], initContainers = [], ...others } = spec;
  return {
    ...pod,
    spec: {
      ...others,
      containers: others.containers.map(withoutEmptyFields),
      ...(volumes.length > 0 && { volumes }),
      ...(initContainers.length > 0 && {
        initContainers: initContainers.map((each) => (each.name === 'mcp-proxy' ? choices(each) : each)),
      }),
    },
  };
}

/** Of ports that a mesh leaves alone. */
const LISTS = ['traffic.sidecar.istio.io/excludeInboundPorts', 'config.linkerd.io/skip-inbound-ports'];

const withoutEmptyLists = ({ annotations = {}, ...metadata }: V1ObjectMeta): V1ObjectMeta => ({
  ...metadata,
  annotations: Object.fromEntries(
    Object.entries(annotations).filter(([key, value]) => !LISTS.includes(key) || value.trim() !== ''),
  ),
});

function withoutEmptyFields({
  lifecycle,
  env = [],
  args = [],
  volumeMounts = [],
  ...rest
}: V1Container): V1Container {
  const hooks = Object.values(lifecycle ?? {}).filter((each) => each !== undefined);
  return {
    ...rest,
    ...(lifecycle && hooks.length > 0 && { lifecycle }),
    ...(env.length > 0 && { env }),
    ...(args.length > 0 && { args }),
    ...(volumeMounts.length > 0 && { volumeMounts }),
  };
}

/** Of a container `mcp-proxy` in a pod that is not injected. */
function choices({ name, resources = {}, ...probes }: V1Container): V1Container {
  const { startupProbe, livenessProbe, readinessProbe } = probes;
  return {
    name,
    resources,
    startupProbe: timingsOf(startupProbe),
    livenessProbe: timingsOf(livenessProbe),
    readinessProbe: timingsOf(readinessProbe),
  };
}

const timingsOf = (probe: V1Probe | undefined) =>
  Object.fromEntries(Object.entries(probe ?? {}).filter(([, value]) => typeof value === 'number'));
