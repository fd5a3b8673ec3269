/** Every annotation that a user may write on a pod template: the one source of grammar, docs, completion and checks. */
import { closestMatch } from 'leven';
import { z } from 'zod';
import {
  DEFAULT_ADMIN_PORT,
  DEFAULT_LISTEN_PORT,
  LISTEN_PATH,
  PRINCIPAL_GLOB,
  TOOL_GLOB,
} from '../sidecar/config.ts';
import { PREFIX } from './names.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';

export type Annotation = {
  /** From the annotation's text to the value that the code uses. */
  grammar: z.ZodType<unknown, string>;
  /** The grammar in words; completes "set it to …". */
  allowed: string;
  /** The text that an absent annotation stands for. */
  default?: string;
  /** In docs instead of a default: what is done when the annotation is absent. */
  otherwise?: string;
  /** Without this the annotation has no effect, and is refused. */
  needs?: { key: string; value: string };
  /** One line for docs and completion. */
  doc: string;
};

const oneOf = <const T extends string>(...values: T[]) => ({
  grammar: z.enum(values),
  allowed: values.map((each) => `"${each}"`).join(' or '),
});
const dnsName = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,5}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
const portNumber = whole(1, 65535);
/** IANA_SVC_NAME: what Kubernetes takes as the name of a port. */
const portName = z.string().regex(/^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/);
const listOf = (item: RegExp) =>
  z
    .string()
    .transform((text) => text.split(',').map((each) => each.trim()))
    .pipe(z.array(z.string().regex(item)).min(1));

export const ANNOTATIONS = {
  inject: {
    ...oneOf('true', 'false'),
    otherwise: 'required beside any other key',
    doc: '`true` puts the proxy in front of the server; `false` leaves the pod alone, whatever else is written.',
  },
  name: {
    grammar: dnsLabel,
    allowed: 'a DNS label: lower case letters, digits and "-", at most 63',
    otherwise: "the owner's name",
    doc: 'Name of the workload: in the audience of its tokens, in audit lines and in `kubectl mcp list`.',
  },
  container: {
    grammar: dnsLabel,
    allowed: 'the name of the container that runs the server',
    otherwise: 'the only container',
    doc: 'The container that runs the MCP server.',
  },
  port: {
    grammar: z.union([portNumber, portName]),
    allowed: 'a number from 1 to 65535 or the name of a declared port',
    otherwise: 'the only declared port',
    doc: "The server's own port, by number or by the name of a declared port.",
  },
  path: {
    grammar: z.string().regex(/^\/[!-~]*$/),
    allowed: 'a path that starts with "/" and holds printable ASCII only',
    default: LISTEN_PATH,
    doc: "The server's own path. The proxy answers at `/mcp` too.",
  },
  auth: {
    ...oneOf('kubernetes', 'token', 'none'),
    default: 'kubernetes',
    doc: 'Who may call: holders of a service-account token made for this workload, of a token from a Secret, or anyone.',
  },
  audience: {
    grammar: z.string().regex(/^[!-~]{1,256}$/),
    allowed: 'up to 256 printable ASCII characters without spaces',
    otherwise: '`https://NAME.NAMESPACE.mcp.kubectl-mcp.dev`',
    needs: { key: 'auth', value: 'kubernetes' },
    doc: "The audience that a caller's token must carry. Sharing one lets a server use its callers' tokens at another.",
  },
  'allow-principals': {
    grammar: listOf(PRINCIPAL_GLOB),
    allowed: 'a comma list of NAMESPACE/SERVICEACCOUNT, either may hold "*"',
    otherwise: "`NAMESPACE/*` of the pod's namespace",
    needs: { key: 'auth', value: 'kubernetes' },
    doc: 'Service accounts that may call. Replaces the default.',
  },
  'token-secret': {
    grammar: dnsName,
    allowed: "the name of a Secret of the pod's namespace",
    otherwise: 'required by `auth: token`',
    needs: { key: 'auth', value: 'token' },
    doc: 'The Secret with the tokens: each key is a caller, its value the token.',
  },
  'allow-tools': {
    grammar: listOf(TOOL_GLOB),
    allowed: 'a comma list of tool names, "*" and "?" match',
    otherwise: 'every tool',
    doc: 'Only these tools are listed and may be called.',
  },
  'deny-tools': {
    grammar: listOf(TOOL_GLOB),
    allowed: 'a comma list of tool names, "*" and "?" match',
    otherwise: 'no tool',
    doc: 'These tools are neither listed nor called; stronger than `allow-tools`.',
  },
  mode: {
    ...oneOf('all', 'non-destructive', 'read-only'),
    default: 'all',
    doc: 'Which tools by their hints; a tool without hints counts as destructive.',
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
    doc: 'The port of the proxy that Services should reach.',
  },
  'admin-port': {
    grammar: portNumber,
    allowed: 'a number from 1 to 65535',
    default: String(DEFAULT_ADMIN_PORT),
    doc: 'The port of the proxy for probes, metrics and the drain.',
  },
  'startup-seconds': {
    grammar: whole(1, 3600),
    allowed: 'a number from 1 to 3600',
    default: '30',
    doc: 'How long the proxy may take to start; the server starts after it.',
  },
} as const satisfies Record<string, Annotation>;

export type AnnotationKey = keyof typeof ANNOTATIONS;
export const ANNOTATION_KEYS = Object.keys(ANNOTATIONS) as AnnotationKey[];

type Defaulted =
  | 'path'
  | 'auth'
  | 'mode'
  | 'audit'
  | 'listen-port'
  | 'admin-port'
  | 'startup-seconds'
  | 'inject';
type Values = { [K in AnnotationKey]?: z.output<(typeof ANNOTATIONS)[K]['grammar']> };
/** The annotations of one pod as values, by key; what has a default is there. */
export type InjectionRequest = Values & { [K in Defaulted]: NonNullable<Values[K]> };

type Annotations = Record<string, string> | undefined;

/** Our keys among a pod's annotations, without the prefix. */
export const ownKeys = (annotations: Annotations): string[] =>
  Object.keys(annotations ?? {})
    .filter((each) => each.startsWith(PREFIX))
    .map((each) => each.slice(PREFIX.length));

/** Every fault at once. Does not look at the pod: whether a port or container is there, `inject()` says. */
export function parseAnnotations(
  annotations: Annotations,
): { request: InjectionRequest } | { refusals: Refusal[] } {
  const given = ownKeys(annotations);
  const text = (key: string): string | undefined => annotations?.[PREFIX + key];
  const values: Record<string, unknown> = {};
  const refusals = given.flatMap((key) => unknownKey(key, text(key)));
  if (text('inject') === undefined) {
    const beside = given.map((each) => PREFIX + each).join(', ') || 'nothing of ours';
    refusals.push(refuse('inject', undefined, `is missing beside ${beside}`, 'set it to "true" or "false"'));
  }
  for (const key of ANNOTATION_KEYS) {
    const { grammar, allowed, needs, ...entry }: Annotation = ANNOTATIONS[key];
    const value = text(key);
    const wanted =
      needs && (text(needs.key) ?? (ANNOTATIONS as Record<string, Annotation>)[needs.key]?.default);
    if (value !== undefined && needs && wanted !== needs.value) {
      const other = `${PREFIX}${needs.key}: "${needs.value}"`;
      refusals.push(
        refuse(key, value, `has no effect without ${other}`, `set that, or remove ${PREFIX}${key}`),
      );
    }
    const parsed = grammar.safeParse(value ?? entry.default);
    if (parsed.success) values[key] = parsed.data;
    else if (value !== undefined) refusals.push(refuse(key, value, 'is not allowed', `set it to ${allowed}`));
  }
  if (text('auth') === 'token' && text('token-secret') === undefined) {
    refusals.push(
      refuse(
        'auth',
        'token',
        `needs ${PREFIX}token-secret`,
        'name the Secret there; each of its keys is a caller',
      ),
    );
  }
  if (values['listen-port'] !== undefined && values['listen-port'] === values['admin-port']) {
    const key = text('listen-port') === undefined ? 'admin-port' : 'listen-port';
    refusals.push(
      refuse(key, text(key), 'is both listen-port and admin-port', 'give them different numbers'),
    );
  }
  return refusals.length > 0 ? { refusals } : { request: values as InjectionRequest };
}

function unknownKey(key: string, value: string | undefined): Refusal[] {
  if (Object.hasOwn(ANNOTATIONS, key)) return [];
  const nearest = closestMatch(key, ANNOTATION_KEYS, { maxDistance: Math.max(2, Math.ceil(key.length / 3)) });
  const mend = nearest
    ? `perhaps ${PREFIX}${nearest} is meant`
    : `remove it; known keys: ${ANNOTATION_KEYS.join(', ')}`;
  return [refuse(key, value, 'is not a known annotation', mend)];
}
