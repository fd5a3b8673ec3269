/** Every annotation that a user may write on a pod template: the one source of grammar, docs, completion and checks. */
import { z } from 'zod';
import { DEFAULT_ADMIN_PORT, DEFAULT_LISTEN_PORT, HOST_GLOB, ORIGIN, TOOL_GLOB } from '../sidecar/config.ts';
import {
  dnsLabel,
  dnsName,
  durationMs,
  httpUrl,
  isOriginOfBrowsers,
  listOf,
  oneOf,
  portName,
  portNumber,
  variable,
  whole,
  words,
} from './grammar.ts';
import { AUTH_ANNOTATIONS } from './auth-annotations.ts';
import type { Annotation } from './grammar.ts';
import { STDIO_ANNOTATIONS } from './stdio-annotations.ts';
import { OUTBOUND_ANNOTATIONS } from './outbound-annotations.ts';
import { TOKEN_ANNOTATIONS } from './token-annotations.ts';
import { UPSTREAM_ANNOTATIONS } from './upstream-annotations.ts';

export const ANNOTATIONS = {
  inject: {
    ...oneOf('true', 'false'),
    otherwise: 'required beside any other key',
    scope: 'pod',
    doc: '`true` puts the proxy in front of the server; `false` leaves the pod alone, whatever else is written.',
  },
  name: {
    grammar: dnsLabel,
    allowed: 'a DNS label: lower case letters, digits and "-", at most 63',
    otherwise: "the owner's name",
    scope: 'pod',
    doc: 'Name of the workload: in the audience of its tokens, in audit lines and in `kubectl mcp list`.',
  },
  container: {
    grammar: dnsLabel,
    allowed: 'the name of the container that runs the server',
    otherwise: "the only container, or the one that has the server's name",
    doc: 'The container that runs the MCP server.',
  },
  port: {
    grammar: z.union([portNumber, portName]),
    allowed: 'a number from 1 to 65535 or the name of a declared port',
    otherwise: 'the only declared port',
    scope: 'server',
    doc: "The server's own port, by number or by the name of a declared port.",
  },
  path: {
    grammar: z.string().regex(/^\/[!-~]*$/),
    allowed: 'a path that starts with "/" and holds printable ASCII only',
    otherwise: '`/mcp`; of HTTP+SSE `/sse`',
    doc: "The server's own path. The proxy answers at `/mcp` too.",
  },
  transport: {
    ...oneOf('auto', 'streamable-http', 'sse', 'stdio'),
    default: 'auto',
    doc: 'What the server speaks: streamable HTTP of any revision, or HTTP+SSE of 2024-11-05, whose event stream is at `path`; `auto` finds out which. Or `stdio`, of a server that listens on no port: the proxy has it started for those who call. Clients speak streamable HTTP in each case.',
  },
  ...STDIO_ANNOTATIONS,
  ...AUTH_ANNOTATIONS,
  'allow-tools': {
    grammar: listOf(z.string().regex(TOOL_GLOB)),
    allowed: 'a comma list of tool names, "*" and "?" match',
    otherwise: 'every tool',
    doc: 'Only these tools are listed and may be called.',
  },
  'deny-tools': {
    grammar: listOf(z.string().regex(TOOL_GLOB)),
    allowed: 'a comma list of tool names, "*" and "?" match',
    otherwise: 'no tool',
    doc: 'These tools are neither listed nor called; stronger than `allow-tools`.',
  },
  mode: {
    ...oneOf('all', 'non-destructive', 'read-only'),
    default: 'all',
    doc: 'Which tools by their hints; a tool without hints counts as destructive.',
  },
  policy: {
    grammar: dnsName,
    allowed: "the name of a ConfigMap of the pod's namespace",
    otherwise: 'none',
    doc: 'The ConfigMap whose key `policy.yaml` says which tools may be used, beside `allow-tools` and `deny-tools`. Changes are taken without a restart.',
  },
  authorization: {
    ...oneOf('none', 'kubernetes'),
    default: 'none',
    doc: 'Who else decides on a call: `kubernetes` asks the API server whether the caller may `call` the tool, so that Roles and their bindings say it; tools that a caller may not call are not in its list. Annotations and policy must allow a call, too.',
  },
  pins: {
    grammar: dnsName,
    allowed: "the name of a ConfigMap of the pod's namespace",
    otherwise: 'none',
    doc: 'The ConfigMap whose key `pins.json` says how each tool is defined, as `kubectl mcp pin` writes it: tools that are defined otherwise are neither listed nor called. Changes are taken without a restart.',
  },
  mask: {
    ...oneOf('none', 'default'),
    default: 'none',
    doc: 'Whether secrets in what the server answers are replaced by `***`: values of Secrets, private keys, tokens of known shapes, credentials of kubeconfigs. An answer of more than 4 MiB is refused then.',
  },
  'allowed-hosts': {
    grammar: listOf(z.string().regex(HOST_GLOB)),
    allowed: 'a comma list of host names in lower case without port, each may start with "*."; "*" is any',
    otherwise: "`localhost`, IP addresses, Services' names, the host of `public-url`",
    doc: 'Further values of the header `Host` that requests may carry. `*` allows any, which lets web pages reach the server by DNS rebinding.',
  },
  'allowed-origins': {
    grammar: listOf(z.string().regex(ORIGIN).refine(isOriginOfBrowsers)),
    allowed:
      'a comma list of origins as browsers send them, like https://app.example.com or http://localhost:6274; "*" is any',
    otherwise: 'none',
    doc: 'Web pages that may call (CORS). A request without the header `Origin` comes from no web page and is not concerned.',
  },
  'public-url': {
    grammar: httpUrl,
    allowed: 'a URL that starts with http:// or https://, without user, query and fragment',
    otherwise: 'none',
    scope: 'server',
    doc: 'Where clients outside the cluster reach the server, through an Ingress or a Gateway. Its host is allowed.',
  },
  'tls-secret': {
    grammar: dnsName,
    allowed: "the name of a Secret of type kubernetes.io/tls of the pod's namespace",
    otherwise: 'plain HTTP',
    doc: 'The certificate and the key for TLS on the listen port; a renewed one is taken without a restart. Only the proxy can read it.',
  },
  'trusted-proxies': {
    grammar: listOf(z.union([z.cidrv4(), z.cidrv6()])),
    allowed: 'a comma list of CIDR blocks, like 10.0.0.0/8 or fd00::/8',
    otherwise: 'none',
    doc: 'Peers whose `X-Forwarded-For` says who the client is, for the audit line.',
  },
  'request-timeout': {
    grammar: durationMs(1_000, 86_400_000),
    allowed: 'a duration from 1s to 24h, like 90s, 5m or 1h30m',
    otherwise: '`120s`',
    doc: 'How long the server may be silent before a call is given up. Progress and events start it anew.',
  },
  'max-requests-in-flight': {
    grammar: whole(1, 100_000),
    allowed: 'a number from 1 to 100000',
    otherwise: '`256`',
    scope: 'pod',
    doc: 'Calls that one pod has under way, a quarter of it (at least 128) for one caller; more get 503 with `Retry-After`.',
  },
  'max-streams': {
    grammar: whole(1, 100_000),
    allowed: 'a number from 1 to 100000',
    otherwise: '`512`',
    scope: 'pod',
    doc: 'Streams of one pod that only listen, a quarter of it (at least 128) for one caller; more get 503 with `Retry-After`.',
  },
  ...UPSTREAM_ANNOTATIONS,
  ...TOKEN_ANNOTATIONS,
  ...OUTBOUND_ANNOTATIONS,
  lockdown: {
    ...oneOf('network-policy', 'loopback', 'none'),
    default: 'network-policy',
    scope: 'pod',
    doc: "What closes the server's own port to other pods: the NetworkPolicy that `kubectl mcp enable` writes; the server itself, which listens on 127.0.0.1 alone (its probes are asked through the proxy); or nothing.",
  },
  'loopback-env': {
    grammar: listOf(variable),
    allowed: 'a comma list of NAME=VALUE',
    otherwise: 'none',
    needs: { key: 'lockdown', value: 'loopback' },
    doc: 'Environment variables for the container of the server that make it listen on 127.0.0.1, like `FASTMCP_HOST=127.0.0.1`.',
  },
  'loopback-args': {
    grammar: words,
    allowed: 'arguments with one space between them, of printable ASCII and without quotes',
    otherwise: 'none',
    needs: { key: 'lockdown', value: 'loopback' },
    doc: 'Arguments behind those of the container that make the server listen on 127.0.0.1, like `--host 127.0.0.1`.',
  },
  audit: {
    ...oneOf('stdout', 'none'),
    default: 'stdout',
    doc: 'Where the audit line of each call goes.',
  },
  'listen-port': {
    grammar: portNumber,
    allowed: 'a number from 1 to 65535',
    default: String(DEFAULT_LISTEN_PORT),
    scope: 'server',
    doc: 'The port of the proxy that Services should reach.',
  },
  'admin-port': {
    grammar: portNumber,
    allowed: 'a number from 1 to 65535',
    default: String(DEFAULT_ADMIN_PORT),
    scope: 'pod',
    doc: 'The port of the proxy for probes, metrics and the drain.',
  },
  'startup-seconds': {
    grammar: whole(1, 3600),
    allowed: 'a number from 1 to 3600',
    default: '30',
    scope: 'pod',
    doc: 'How long the proxy may take to start; the server starts after it.',
  },
} as const satisfies Record<string, Annotation>;

export type AnnotationKey = keyof typeof ANNOTATIONS;
export const ANNOTATION_KEYS = Object.keys(ANNOTATIONS) as AnnotationKey[];

export const scopeOf = (key: AnnotationKey): Annotation['scope'] => (ANNOTATIONS[key] as Annotation).scope;
