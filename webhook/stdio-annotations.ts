/** The annotations of servers that speak stdio: rows of the table in annotations.ts. */
import { commandLine, imageWithDigest, oneOf, variableLines, whole } from './grammar.ts';
import type { Annotation } from './grammar.ts';

const needs = { key: 'transport', value: 'stdio' } as const;

export const STDIO_ANNOTATIONS = {
  command: {
    grammar: commandLine,
    allowed: 'a JSON array of strings, like ["node", "server.js"]',
    otherwise: "the container's `command`; required where it has none",
    needs,
    scope: 'server',
    doc: 'What the container starts, where its `command` is left to the image: the `ENTRYPOINT`, and the `CMD` unless the container has `args`. `kubectl mcp enable --transport stdio` reads it from the registry. `$(NAME)` stands for a variable, as in `command`.',
  },
  'command-image': {
    grammar: imageWithDigest,
    allowed: 'the image of the container and its digest, IMAGE@sha256:HEX',
    otherwise: 'unknown',
    needs,
    scope: 'server',
    doc: 'The image that `command` was read from. With another one in the container the webhook warns.',
  },
  'stdio-sessions': {
    ...oneOf('isolated', 'shared'),
    otherwise: '`isolated`',
    needs,
    doc: 'A process for each session, or one for all callers.',
  },
  'stdio-modern': {
    ...oneOf('per-principal', 'per-request', 'shared'),
    otherwise:
      '`per-principal`; required by `auth: none` and `auth: token` unless `stdio-sessions` is `shared`',
    needs,
    doc: 'For clients of 2026-07-28, who have no sessions: a process for each principal, for each request, or one for all. With `auth: none` all callers are one principal, as are those of one token.',
  },
  'stdio-env': {
    grammar: variableLines,
    allowed: 'lines NAME=VALUE, each name once',
    otherwise: 'none',
    needs,
    doc: 'Environment variables of each process; `{session-dir}` is a directory of its own, like `MEMORY_FILE_PATH={session-dir}/memory.json`.',
  },
  'stdio-idle-seconds': {
    grammar: whole(1, 86_400),
    allowed: 'a number from 1 to 86400',
    otherwise: '`300`',
    needs,
    doc: 'A process that had no call and no listener for so long is ended.',
  },
  'max-stdio-processes': {
    grammar: whole(1, 10_000),
    allowed: 'a number from 1 to 10000',
    otherwise:
      "what fits the container's memory limit, by the size of the first process; without a limit `16`",
    needs,
    doc: 'Processes that run at once; who needs one more gets 503 with `Retry-After`.',
  },
} as const satisfies Record<string, Annotation>;

/** They speak of a server that listens. */
export const NOT_WITH_STDIO: readonly string[] = [
  'port',
  'path',
  'upstream',
  'upstream-ca-secret',
  'upstream-ca-configmap',
  'upstream-tls-server-name',
  'upstream-proxy',
  'upstream-headers-secret',
  'upstream-headers-volume',
  'forward-headers',
  'upstream-token',
  'loopback-env',
  'loopback-args',
];
