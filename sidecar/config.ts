/**
 * The configuration document of the sidecar: what the webhook writes and the sidecar reads.
 *
 * One JSON document, versioned, in the environment variable {@link CONFIG_ENV}. It holds no secret: tokens and keys
 * are files whose directories it names.
 */
import * as z from 'zod';
import { accessReviews } from './access/access-config.ts';
import { authConfig } from './auth/auth-config.ts';
import { configFaults } from './config-faults.ts';
import { faultLines } from './fault-lines.ts';
import { loopback } from './loopback-config.ts';
import { directory, MOUNT, sourceName } from './mounts.ts';
import { outbound } from './outbound/outbound-config.ts';
import { pinsConfig } from './pins/pins-config.ts';
import { forwardHeaders } from './upstream/forwarded-names.ts';
import { stdioUpstream, type StdioUpstream } from './upstream/stdio/stdio-config.ts';
import { upstreamToken } from './upstream/token/token-config.ts';
import { upstreamProxy } from './upstream/upstream-proxy.ts';
import { upstreamTls } from './upstream/upstream-tls.ts';

export const CONFIG_ENV = 'KUBECTL_MCP_CONFIG';
export const CONFIG_VERSION = 1;

/** Facts of the pod, from the downward API. */
export const POD_ENV = {
  name: 'POD_NAME',
  namespace: 'POD_NAMESPACE',
  uid: 'POD_UID',
  ip: 'POD_IP',
  node: 'NODE_NAME',
} as const;

/** Ports of the pod that are ours unless an annotation says otherwise. */
export const DEFAULT_LISTEN_PORT = 7410;
export const DEFAULT_ADMIN_PORT = 7411;
/** The path that every server is reachable at, beside its own. */
export const LISTEN_PATH = '/mcp';

const portNumber = z.int().min(1).max(65535);
const path = z.string().regex(/^\/[!-~]*$/, 'starts with / and holds printable ASCII only');

/** Characters of a tool's name (SEP-986), and `*` and `?`. */
export const TOOL_GLOB = /^[A-Za-z0-9_\-./*?]{1,128}$/;

/** A host name in lower case; may start with `*.`, which stands for one label. `*` alone: any. */
export const HOST_GLOB = /^(\*|(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$/;
/** As browsers write it in `Origin` (RFC 6454 section 6.2): scheme, host in lower case, port unless it is the scheme's. `*`: any. */
export const ORIGIN = /^(\*|[a-z][-+.a-z0-9]*:\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?)$/;
/** The fields of a filter, in the configuration and in policy files. */
export const toolGlob = z
  .string()
  .regex(TOOL_GLOB, 'is a tool name of at most 128 letters, digits, "_-./", with "*" and "?" for others');
export const toolMode = z.enum(['all', 'non-destructive', 'read-only']);

/** Over HTTP/1.1 each call and each stream holds a connection; those that hold neither are idle ones. */
export const DEFAULT_LIMITS = { requestsInFlight: 256, streams: 512, connections: 1_024 } as const;

const mounted = (otherwise: string) =>
  z.strictObject({ source: sourceName, directory: directory.default(otherwise) });

const httpUpstream = z.strictObject({
  /** `sse`: HTTP+SSE of 2024-11-05, whose event stream `path` is; `auto`: whichever the server speaks. */
  transport: z.enum(['auto', 'streamable-http', 'sse']).default('auto'),
  /** A name or an address; the pod's own loopback unless given. */
  host: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,253}$/, 'is a host name or an IP address')
    .optional(),
  port: portNumber,
  path,
  /** With `auto`: where the event stream of HTTP+SSE would be; `path` unless given. */
  ssePath: path.optional(),
  /** An answer from which no byte comes for this long is given up; a stream that only listens may be silent. */
  requestTimeoutMs: z.int().min(1_000).max(86_400_000).default(120_000),
  /** Headers that are added to each request. */
  headers: z
    .strictObject({ source: sourceName, directory: directory.default(MOUNT.upstreamHeaders) })
    .optional(),
  /** Headers of the caller's that are passed on, besides those of MCP and trace context. */
  forwardHeaders: forwardHeaders.optional(),
  tls: upstreamTls(z.strictObject({ source: sourceName, directory })).optional(),
  /** Through which a server elsewhere is reached. */
  proxy: upstreamProxy.optional(),
  /** What each request carries in `Authorization`. */
  token: upstreamToken(mounted(MOUNT.upstreamToken)).optional(),
});

const server = z.strictObject({
  /** Name of the workload, or of one of its servers. */
  name: z.string().min(1).max(253),
  /** Where clients and Services reach this server through the sidecar. */
  listenPort: portNumber,
  upstream: z.discriminatedUnion('transport', [httpUpstream, stdioUpstream]),
  /** TLS on the listen port. */
  tls: z.strictObject({ source: sourceName, directory: directory.default(MOUNT.tls) }).optional(),
  /** What clients outside the cluster use; its host is allowed. */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** `Host` values besides localhost, IP addresses, the names of Services of this namespace and the host of `publicUrl`. */
  allowedHosts: z.array(z.string().regex(HOST_GLOB, 'is a host name, may start with "*."')).default([]),
  /** Web pages that may call. */
  allowedOrigins: z.array(z.string().regex(ORIGIN, 'is an origin, https://HOST[:PORT]')).default([]),
  /** Peers whose word on the client's address is taken. */
  trustedProxies: z.array(z.union([z.cidrv4(), z.cidrv6()])).default([]),
  limits: z
    .strictObject({
      requestBytes: z
        .int()
        .min(1_024)
        .default(4 * 1024 * 1024),
      /** Of bodies over 16 KiB that are held at once, 8 MiB; one principal has a quarter, and room for one request in any case. */
      requestBytesInFlight: z.int().min(1_024).default(8_388_608),
      // These fit a container of 128 MiB when all of them are used up at once (test/soak).
      /** Calls under way; more get 503. */
      requestsInFlight: z.int().min(1).default(DEFAULT_LIMITS.requestsInFlight),
      requestsInFlightPerPrincipal: z.int().min(1).default(128),
      /** Streams that only listen. */
      streams: z.int().min(1).default(DEFAULT_LIMITS.streams),
      streamsPerPrincipal: z.int().min(1).default(128),
      connections: z.int().min(1).default(DEFAULT_LIMITS.connections),
    })
    .prefault({}),
  auth: authConfig,
  /** How identity providers are reached. */
  outbound: outbound(mounted(MOUNT.outboundAuthority)).optional(),
  filter: z
    .strictObject({
      /** Globs; absent: every tool. */
      allowTools: z.array(toolGlob).optional(),
      denyTools: z.array(toolGlob).optional(),
      mode: toolMode.default('all'),
    })
    .default({ mode: 'all' }),
  /** A file that may change while the sidecar runs; a tool must pass both this and `filter`. */
  policy: z.strictObject({ source: sourceName, directory: directory.default(MOUNT.policy) }).optional(),
  /** Who may call what is asked of the API server, beside all that. */
  authorization: accessReviews.optional(),
  /** Of the server's container, as the pod names it; for pins. */
  image: z.string().min(1).max(1_024).optional(),
  /** Tools that are not as they are written there are blocked; the file may change while the sidecar runs. */
  pins: pinsConfig.optional(),
  /** Secrets in what the server sends; absent: as they are. */
  mask: z.enum(['none', 'default']).optional(),
  audit: z.enum(['stdout', 'none']).default('stdout'),
});

export const configSchema = z
  .strictObject({
    version: z.literal(CONFIG_VERSION),
    adminPort: portNumber,
    drain: z.strictObject({
      /** The path on the admin port that the kubelet's preStop hook asks for; holds a random part. */
      path: path.regex(/^\/drain\/[A-Za-z0-9_-]{16,}$/, 'is /drain/ and at least 16 characters of base64url'),
      /** How long new calls are still taken while endpoints are being withdrawn. */
      endpointGraceMs: z.int().min(0).max(60_000).default(3_000),
      /** The drain returns at the latest after this time. */
      timeoutMs: z.int().min(0).max(86_400_000),
    }),
    servers: z.array(server).min(1),
    loopback: loopback.optional(),
  })
  .superRefine(({ adminPort, servers }, context) => {
    for (const { path: at, message } of configFaults(adminPort, servers as ServerConfig[]))
      context.addIssue({ code: 'custom', path: [...at], message });
  });

export type HttpUpstream = z.infer<typeof httpUpstream>;
/** What only a server over HTTP has is not there. */
type Upstream = HttpUpstream | (StdioUpstream & { readonly [Key in keyof HttpOnly]?: undefined });
type HttpOnly = Omit<HttpUpstream, keyof StdioUpstream>;
export type ServerConfig = z.infer<typeof server> & { readonly upstream: Upstream };
export type SidecarConfig = Omit<z.infer<typeof configSchema>, 'servers'> & {
  readonly servers: readonly ServerConfig[];
};
/** What a writer of the document must give; defaults may be left out. */
export type SidecarConfigInput = z.input<typeof configSchema>;

/** Thrown by {@link parseConfig}; `faults` holds a line each: path, value, what is allowed. */
export class ConfigError extends Error {
  readonly faults: string[];
  constructor(faults: string[]) {
    super(`invalid configuration in ${CONFIG_ENV}:\n${faults.map((each) => `  ${each}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/**
 * Reads the document.
 * @throws {ConfigError} with every fault at once.
 */
export function parseConfig(text: string | undefined): SidecarConfig {
  if (!text) throw new ConfigError([`the environment variable ${CONFIG_ENV} is not set`]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError([`not JSON: ${(error as Error).message}`]);
  }
  const result = configSchema.safeParse(value);
  if (result.success) return result.data as SidecarConfig;
  throw new ConfigError(result.error.issues.flatMap((issue) => faultLines(value, issue)));
}
