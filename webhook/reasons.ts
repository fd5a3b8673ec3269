/**
 * Every choice about a pod and every reason to refuse one, by a code that stays the same over versions: in the answer
 * to the API server, the log, the metrics, the docs and for `kubectl mcp doctor`.
 */

import { NAMESPACE_REASONS } from './namespace-reasons.ts';
import { PROVIDER_REASONS } from './provider-reasons.ts';

export type Outcome = 'injected' | 'untouched' | 'refused';

export interface ReasonRow {
  readonly outcome: Outcome;
  /** A sentence for the docs. */
  readonly means: string;
  /** What to do about it, whatever the pod; the message of a refusal is about the one pod. */
  readonly mend?: string;
}

export const REASONS = {
  Injected: { outcome: 'injected', means: 'The pod has the proxy.' },
  NotAnnotated: { outcome: 'untouched', means: 'No annotation of the pod is one of ours.' },
  OptedOut: { outcome: 'untouched', means: '`inject` is `"false"`.' },
  MirrorPod: {
    outcome: 'untouched',
    means: 'The pod mirrors a static pod, which the kubelet runs whatever the API server says.',
    mend: 'run the server as a Deployment; static pods are not protected',
  },
  InjectMissing: {
    outcome: 'refused',
    means: 'There are annotations of ours, but not `inject`.',
    mend: 'set `inject` to `"true"` or `"false"`',
  },
  KeyUnknown: {
    outcome: 'refused',
    means:
      'A key with our prefix is none of the known annotations. A misspelt `deny-tools` must not be silence.',
    mend: 'correct the key, or remove it',
  },
  KeyMisplaced: {
    outcome: 'refused',
    means:
      'A key of the whole pod is written for one of its servers, or a key that only one server can have is written for all of them.',
    mend: 'write it as the message says; the table of annotations tells which keys are for what',
  },
  ServerNameInvalid: {
    outcome: 'refused',
    means: 'What stands before the dot of a key cannot be the name of a server.',
    mend: 'name the server by at most 30 lower case letters, digits and "-"',
  },
  ValueInvalid: {
    outcome: 'refused',
    means: 'A value is outside of what the annotation may be.',
    mend: 'write it as the table of annotations says',
  },
  NoEffect: {
    outcome: 'refused',
    means: 'An annotation has no effect beside the others.',
    mend: 'remove it, or set the one that it needs',
  },
  SaidTwice: {
    outcome: 'refused',
    means: 'Two annotations say the same thing in two ways.',
    mend: 'remove one of them',
  },
  ...PROVIDER_REASONS,
  UpstreamTokenIncomplete: {
    outcome: 'refused',
    means: '`upstream-token` does not say where its tokens come from.',
    mend: 'set `upstream-token-url` and `upstream-token-secret`',
  },
  UpstreamTokenImpossible: {
    outcome: 'refused',
    means:
      'There is no token of callers that the server could be given or exchanged: nobody brings one, or `upstream-token: caller` would hand it to the pod, or over the network in clear text.',
    mend: 'let callers bring one (`auth`), or set `upstream-token` to what the message says',
  },
  ClientAuthorityMissing: {
    outcome: 'refused',
    means: '`auth: mtls` does not say of whom client certificates must be.',
    mend: 'set `mtls-ca-secret` or `mtls-ca-configmap`',
  },
  CertificateMissing: {
    outcome: 'refused',
    means: '`auth: mtls` stands without TLS on the listen port, where certificates are shown.',
    mend: 'set `tls-secret`',
  },
  PortsEqual: {
    outcome: 'refused',
    means: '`listen-port` and `admin-port` are the same, or those of two servers of the pod.',
    mend: 'give them different numbers',
  },
  ListenPortMissing: {
    outcome: 'refused',
    means: 'Several servers of a pod have no `listen-port`, and only one can have the default.',
    mend: 'set `SERVER.listen-port` for all of them but one',
  },
  ServersTooMany: {
    outcome: 'refused',
    means: 'Annotations name more servers than one proxy has room for.',
    mend: 'put some of the servers into pods of their own',
  },
  ServersEqual: {
    outcome: 'refused',
    means:
      'Two names lead to the same port and path of the pod, or to one container while one of them speaks stdio.',
    mend: 'set `SERVER.port`, `SERVER.container` or `SERVER.path` so that each name is a server of its own',
  },
  PortTaken: {
    outcome: 'refused',
    means: 'A port of the proxy is a port of another container, and one of the two would fail to start.',
    mend: 'set `listen-port` or `admin-port` to a port that is free in the pod',
  },
  ContainerMissing: {
    outcome: 'refused',
    means:
      'The pod has several containers, or those of other injectors alone, and nothing says which one is the server.',
    mend: 'set `container`, or `port` to a port that one of them declares',
  },
  ContainerUnknown: {
    outcome: 'refused',
    means: '`container` names no container of the pod.',
    mend: 'name one of its containers',
  },
  PortMissing: {
    outcome: 'refused',
    means: "The server's container declares several ports, or none.",
    mend: "set `port` to the server's port",
  },
  PortUnknown: {
    outcome: 'refused',
    means: '`port` is a name that the container gives to none of its TCP ports.',
    mend: 'set `port` to a number, or to a name that is declared',
  },
  CommandMissing: {
    outcome: 'refused',
    means:
      'What a server that speaks stdio is started with is known to its image alone, which the webhook does not read.',
    mend: 'let `kubectl mcp enable --transport stdio` read it from the registry, or write `command` into the container',
  },
  PrincipalsUnknown: {
    outcome: 'refused',
    means:
      'Clients of 2026-07-28 have no sessions and get a process for each principal, but `auth` does not tell callers from each other: they would meet in one process.',
    mend: 'set `stdio-modern`: `per-request`, `shared`, or, where each caller has a token of its own, `per-principal`',
  },
  StdioProbe: {
    outcome: 'refused',
    means: 'A probe or a hook asks a port of a server that speaks stdio, where nobody answers.',
    mend: 'remove it; the proxy has probes of its own',
  },
  LoopbackEnvTaken: {
    outcome: 'refused',
    means: 'The container sets a variable of `loopback-env` itself.',
    mend: 'set it to the loopback there, and leave it out of `loopback-env`',
  },
  LoopbackArgsLost: {
    outcome: 'refused',
    means:
      "`loopback-args` would not reach the server: the container leaves its arguments to the image, which an appended one would replace, or runs a shell's command line.",
    mend: "write the image's arguments into `args`, or the address into the command line",
  },
  LoopbackProbe: {
    outcome: 'refused',
    means:
      "With `lockdown: loopback` the kubelet cannot ask the server's port, and the proxy cannot ask for it: a gRPC probe, or one that Istio's agent sends to the pod's address.",
    mend: 'use httpGet, tcpSocket or exec; with Istio set `sidecar.istio.io/rewriteAppHTTPProbers: "false"`',
  },
  NameTooLong: {
    outcome: 'refused',
    means: "The owner's name is too long for what is derived from it.",
    mend: 'set `name` to a shorter one',
  },
  ConfigurationTooLarge: {
    outcome: 'refused',
    means: 'What the annotations say does not fit into an environment variable.',
    mend: 'shorten the lists of tools, or put them into the ConfigMap of `policy`',
  },
  HostNetwork: {
    outcome: 'refused',
    means: "With `hostNetwork` the server's port is open on the node, and the proxy protects nothing.",
    mend: 'remove `hostNetwork`',
  },
  Windows: { outcome: 'refused', means: 'The proxy has a Linux image only.', mend: 'remove the annotations' },
  ProcessesShared: {
    outcome: 'refused',
    means:
      "Through `shareProcessNamespace` or `hostPID` the server's container can read the proxy's memory and secrets in `/proc`: it runs as the same user, or as one that is not known here, or may trace any process.",
    mend: "remove `shareProcessNamespace` and `hostPID`, or set another `runAsUser` for the server's container",
  },
  NameTaken: {
    outcome: 'refused',
    means:
      'A name of ours (`mcp-proxy`; with `transport: stdio` also `mcp-bin`) is that of another container.',
    mend: 'rename the container',
  },
  VolumeTaken: {
    outcome: 'refused',
    means: 'Another container mounts a volume that is for the proxy alone.',
    mend: 'remove that mount',
  },
  OwnVolume: {
    outcome: 'refused',
    means: "An annotation names one of the proxy's own volumes.",
    mend: 'name a volume of the pod',
  },
  TokensShared: {
    outcome: 'refused',
    means: "The server's container mounts the volume with the tokens, and could act as its callers.",
    mend: "put the tokens into a volume that the server's container does not mount",
  },
  ...NAMESPACE_REASONS,
  AnnotationOnOwner: {
    outcome: 'refused',
    means:
      'An annotation stands on a Deployment or another workload instead of its pod template: its pods would start without the proxy. Said of the workload, before there are pods.',
    mend: 'move it to the pod template; the message has the patch',
  },
  PolicyInvalid: {
    outcome: 'refused',
    means: 'A ConfigMap with the label `kubectl-mcp.dev/policy` holds no policy that can be read.',
    mend: 'mend the lines that the message names',
  },
} as const satisfies Record<string, ReasonRow>;

export type Reason = keyof typeof REASONS;
type ReasonOf<O extends Outcome> = {
  [R in Reason]: (typeof REASONS)[R]['outcome'] extends O ? R : never;
}[Reason];
export type RefusalReason = ReasonOf<'refused'>;
export type UntouchedReason = ReasonOf<'untouched'>;

/** `…; do this [PortMissing]`: at the end of what the webhook tells the API server, and so of events. */
export const withCodes = (text: string, codes: readonly Reason[]): string =>
  `${text} [${[...new Set(codes)].join(', ')}]`;

/** The codes in a message of {@link withCodes}, whoever quotes it. */
export function codesIn(message: string): Reason[] {
  const [, list = ''] = /\[([A-Z][A-Za-z]+(?:, [A-Z][A-Za-z]+)*)\]\s*$/.exec(message) ?? [];
  return list.split(', ').filter((each): each is Reason => Object.hasOwn(REASONS, each));
}
