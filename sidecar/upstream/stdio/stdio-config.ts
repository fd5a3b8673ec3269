/** What the sidecar is told of a server that speaks stdio. */
import * as z from 'zod';

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

export const stdioUpstream = z.strictObject({
  transport: z.literal('stdio'),
  /** Where the supervisor of the server's container is met; in a pod. */
  runDirectory: z.string().startsWith('/').optional(),
  /** What is started, with its arguments; without a pod. */
  command: z
    .array(z.string().regex(/^[^\0]*$/, 'holds no NUL'))
    .min(1)
    .optional(),
  /** `isolated`: a process for each session; `shared`: one for all callers. */
  sessions: z.enum(['isolated', 'shared']).default('isolated'),
  /** Whose process a client of 2026-07-28 has, which knows no sessions; `per-principal` unless callers have no names. */
  modern: z.enum(['per-principal', 'per-request', 'shared']).optional(),
  /** Over what the server is started with anyway; `{session-dir}` stands for the process's own directory. */
  env: z
    .record(
      z.string().regex(ENV_NAME, 'is a name of a variable'),
      z.string().regex(/^[^\0]*$/, 'holds no NUL'),
    )
    .default({}),
  /** A process without a call and without a listener ends after this time. */
  idleSeconds: z.int().min(1).max(86_400).default(300),
  /** From the memory limit and the size of the first process unless given, else 16. */
  maxProcesses: z.int().min(1).max(10_000).optional(),
  /** Memory limit of the server's container. */
  memoryBytes: z.int().min(1).optional(),
  /** How long a process may take from its start to its first answer; npx and uvx may have to download. */
  startSeconds: z.int().min(1).max(3_600).default(120),
  /** A line of the server's that is longer is not passed on. */
  maxMessageBytes: z
    .int()
    .min(1_024)
    .default(4 * 1024 * 1024),
  requestTimeoutMs: z.int().min(1_000).max(86_400_000).default(120_000),
});

export type StdioUpstream = z.infer<typeof stdioUpstream>;

type Fault = { readonly at: string; readonly message: string };

/** What one field cannot say alone. */
export function stdioFault(
  upstream: StdioUpstream,
  auth: readonly { readonly mode: string }[],
): Fault | undefined {
  const { runDirectory, command, sessions, modern } = upstream;
  if ((runDirectory === undefined) === (command === undefined))
    return { at: 'runDirectory', message: 'either this or command says what is started' };
  if (sessions === 'shared') return undefined;
  if (auth.length === 0 && (modern === undefined || modern === 'per-principal'))
    return {
      at: 'modern',
      message:
        'without authentication callers cannot be told apart: per-request gives each request a process of its own, shared one to all',
    };
  // The token may be everybody's: whoever has written this knows.
  if (auth.some(({ mode }) => mode === 'token') && modern === undefined)
    return {
      at: 'modern',
      message:
        'with tokens it must be written: per-principal where each caller has one, else per-request or shared',
    };
  return undefined;
}
