/** The controls of the Pod Security Standards, as data. Windows pods are not among ours. */
import type {
  V1Container,
  V1Pod,
  V1PodSecurityContext,
  V1SecurityContext,
  V1Volume,
} from '@kubernetes/client-node';
import { containersOf } from './demand.ts';

export type Level = 'baseline' | 'restricted';

export interface Control {
  readonly level: Level;
  /** The minor version of the standard that brought it. */
  readonly since?: number;
  readonly faults: (pod: V1Pod, minor: number) => string[];
}

/** Of both: what may stand in the pod's and in a container's context. */
type Context = V1SecurityContext & V1PodSecurityContext;
type Place = readonly [where: string, context: Context];

const places = ({ spec }: V1Pod): Place[] => [
  ...(spec?.securityContext ? [['pod', spec.securityContext as Context] as const] : []),
  ...inContainers({ spec } as V1Pod),
];
const inContainers = ({ spec }: V1Pod): Place[] =>
  (spec ? containersOf(spec) : []).map((each) => [
    `container ${each.name}`,
    (each.securityContext ?? {}) as Context,
  ]);

const forbidden =
  (where: (pod: V1Pod) => Place[], field: string, values: (context: Context, minor: number) => string[]) =>
  (pod: V1Pod, minor: number): string[] =>
    where(pod).flatMap(([name, context]) =>
      values(context, minor).map((value) => `${name}: securityContext.${field} must not be ${value}`),
    );

/** Must be said for each container, there or for the pod. */
const demanded =
  (field: string, value: string, ok: (context: Context) => boolean | undefined) =>
  (pod: V1Pod): string[] => {
    const whole = pod.spec?.securityContext ? ok(pod.spec.securityContext as Context) : undefined;
    return [
      ...(whole === false ? [`pod: securityContext.${field} must be ${value}`] : []),
      ...inContainers(pod)
        .filter(([, context]) => !(ok(context) ?? whole))
        .map(([name]) => `${name}: securityContext.${field} must be ${value}`),
    ];
  };

const CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);
const VOLUMES =
  'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'.split(' ');
const PROFILES = new Set(['RuntimeDefault', 'Localhost']);
const SYSCTLS: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};
const SELINUX_TYPES: Readonly<Record<string, number>> = {
  container_t: 0,
  container_init_t: 0,
  container_kvm_t: 0,
  container_engine_t: 31,
};

const allowedSince = (since: Readonly<Record<string, number>>, name: string, minor: number): boolean =>
  Object.hasOwn(since, name) && minor >= since[name]!;

const profile = (of: { type?: string } | undefined): string[] =>
  of && !PROFILES.has(of.type ?? '') ? [of.type ?? ''] : [];

export const CONTROLS: readonly Control[] = [
  {
    level: 'baseline',
    faults: ({ spec }) =>
      (['hostNetwork', 'hostPID', 'hostIPC'] as const)
        .filter((field) => spec?.[field])
        .map((field) => `pod: ${field} must not be true`),
  },
  {
    level: 'baseline',
    faults: forbidden(inContainers, 'privileged', ({ privileged }) => (privileged ? ['true'] : [])),
  },
  {
    level: 'baseline',
    faults: forbidden(inContainers, 'capabilities.add', ({ capabilities }) =>
      (capabilities?.add ?? []).filter((each) => !CAPABILITIES.has(each)),
    ),
  },
  {
    level: 'baseline',
    faults: ({ spec }) =>
      (spec?.volumes ?? [])
        .filter((each) => each.hostPath)
        .map((each) => `volume ${each.name} must not be a hostPath`),
  },
  {
    level: 'baseline',
    faults: eachContainer((each) =>
      (each.ports ?? []).flatMap(({ hostPort }) => (hostPort ? [`hostPort must not be ${hostPort}`] : [])),
    ),
  },
  {
    level: 'baseline',
    since: 34,
    faults: eachContainer((each) =>
      [
        each.livenessProbe,
        each.readinessProbe,
        each.startupProbe,
        each.lifecycle?.postStart,
        each.lifecycle?.preStop,
      ]
        .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
        .flatMap((host) => (host ? [`the host of a probe or hook must not be ${host}`] : [])),
    ),
  },
  {
    level: 'baseline',
    faults: forbidden(places, 'appArmorProfile.type', ({ appArmorProfile }) => profile(appArmorProfile)),
  },
  {
    level: 'baseline',
    faults: ({ metadata }) =>
      Object.entries(metadata?.annotations ?? {})
        .filter(([key]) => key.startsWith('container.apparmor.security.beta.kubernetes.io/'))
        .filter(([, value]) => !/^(|runtime\/default|localhost\/.*)$/.test(value))
        .map(([key, value]) => `annotation ${key} must not be ${value}`),
  },
  {
    level: 'baseline',
    since: 19,
    faults: forbidden(places, 'seccompProfile.type', ({ seccompProfile }) => profile(seccompProfile)),
  },
  {
    level: 'baseline',
    faults: forbidden(inContainers, 'procMount', ({ procMount }) =>
      procMount && procMount !== 'Default' ? [procMount] : [],
    ),
  },
  {
    level: 'baseline',
    faults: forbidden(places, 'seLinuxOptions', ({ seLinuxOptions: options }, minor) => [
      ...(options?.type && !allowedSince(SELINUX_TYPES, options.type, minor) ? [`type ${options.type}`] : []),
      ...(options?.user ? [`user ${options.user}`] : []),
      ...(options?.role ? [`role ${options.role}`] : []),
    ]),
  },
  {
    level: 'baseline',
    faults: ({ spec }, minor) =>
      (spec?.securityContext?.sysctls ?? [])
        .filter(({ name }) => !allowedSince(SYSCTLS, name, minor))
        .map(({ name }) => `pod: securityContext.sysctls must not hold ${name}`),
  },
  {
    level: 'restricted',
    since: 8,
    faults: (pod) =>
      inContainers(pod)
        .filter(([, context]) => context.allowPrivilegeEscalation !== false)
        .map(([name]) => `${name}: securityContext.allowPrivilegeEscalation must be false`),
  },
  {
    level: 'restricted',
    since: 22,
    faults: (pod) =>
      inContainers(pod).flatMap(([name, { capabilities }]) => [
        ...(capabilities?.drop?.includes('ALL')
          ? []
          : [`${name}: securityContext.capabilities.drop must be ["ALL"]`]),
        ...(capabilities?.add ?? [])
          .filter((each) => each !== 'NET_BIND_SERVICE')
          .map((each) => `${name}: securityContext.capabilities.add must not be ${each}`),
      ]),
  },
  {
    level: 'restricted',
    faults: demanded('runAsNonRoot', 'true', ({ runAsNonRoot }) => runAsNonRoot),
  },
  {
    level: 'restricted',
    since: 23,
    faults: forbidden(places, 'runAsUser', ({ runAsUser }) => (runAsUser === 0 ? ['0'] : [])),
  },
  {
    level: 'restricted',
    since: 19,
    faults: demanded(
      'seccompProfile.type',
      'RuntimeDefault or Localhost',
      ({ seccompProfile }) => seccompProfile && PROFILES.has(seccompProfile.type),
    ),
  },
  {
    level: 'restricted',
    faults: ({ spec }) =>
      (spec?.volumes ?? []).flatMap((volume) => {
        // Without any it is an emptyDir.
        const type = Object.keys(volume).find((key) => key !== 'name' && volume[key as keyof V1Volume]);
        return type === undefined || VOLUMES.includes(type)
          ? []
          : [`volume ${volume.name} must not be of type ${type}`];
      }),
  },
];

function eachContainer(faults: (container: V1Container) => string[]): Control['faults'] {
  return ({ spec }) =>
    (spec ? containersOf(spec) : []).flatMap((each) =>
      faults(each).map((text) => `container ${each.name}: ${text}`),
    );
}
