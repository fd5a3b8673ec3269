/** What happens in the sidecar, in a sentence each, for who looks at the terminal. Pure. */
import { sourceInWords } from '../../sidecar/mounts.ts';

type Fields = Readonly<Record<string, unknown>>;

const SENTENCES: Readonly<
  Record<string, (fields: Fields, upstreamOf: (server: unknown) => string) => string | undefined>
> = {
  server_connected: ({ server, era, tools }, upstreamOf) =>
    `The server at ${upstreamOf(server)} answers: ${tools ?? 0} tools, ${era === 'modern' ? 'MCP 2026-07-28' : 'MCP with sessions'}`,
  server_degraded: ({ server, error }, upstreamOf) =>
    `Warning: the server at ${upstreamOf(server)} does not answer: ${String(error)}. Calls fail until it does${nextStep(String(error))}`,
  stdio_stderr: ({ process, line }) => `[${String(process)}] ${String(line)}`,
  stdio_foreign_line: ({ process }) =>
    `Warning: process ${String(process)} of the server writes lines to stdout that are no JSON-RPC; they are left out`,
  stdio_exited: ({ process, code, signal, stopped }) =>
    stopped
      ? undefined
      : `Process ${String(process)} of the server ended: ${signal === undefined ? `exit code ${String(code)}` : String(signal)}`,
  tokens_loaded: ({ source, callers }) => `Read ${words(source)}: callers: ${String(callers)}`,
  tokens_refused: ({ source, faults }) => `Warning: ${words(source)}: ${list(faults)}. Nobody is let in`,
  oidc_provider_read: ({ issuer, keys }) => `Read the keys of ${String(issuer)}: ${String(keys)}`,
  oidc_provider_unanswered: ({ issuer, error, in_use: inUse }) =>
    `Warning: the OpenID provider ${String(issuer)} cannot be asked: ${String(error)}. ${inUse === true ? 'What it said before stays in use' : 'Nobody with a token of it is let in'}`,
  oauth_client_refused: ({ source, faults }) =>
    `Warning: ${words(source)}: ${list(faults)}. What was there before stays in use`,
  policy_loaded: ({ source, revision }) => `Read ${words(source)}: policy ${String(revision)}`,
  policy_refused: ({ source, faults }) =>
    `Warning: ${words(source)}: ${list(faults)}. The policy before stays in force`,
  overrides_at_fault: ({ problems }) => (list(problems) === '' ? undefined : `Warning: ${list(problems)}`),
  upstream_headers_loaded: ({ source, headers }) => `Read ${words(source)}: headers: ${String(headers)}`,
  upstream_headers_refused: ({ source, faults }) =>
    `Warning: ${words(source)}: ${list(faults)}. The headers before stay in force`,
  upstream_authority_loaded: ({ source, certificates }) =>
    `Read ${words(source)}: authorities: ${String(certificates)}`,
  upstream_authority_refused: ({ source, faults }) =>
    `Warning: ${words(source)}: ${list(faults)}. Those before stay in force`,
  tls_loaded: ({ source, not_after }) =>
    `Read ${words(source)}: certificate valid until ${String(not_after)}`,
  tls_problem: ({ problem }) => `Warning: ${String(problem)}`,
  check_switched_off: ({ warning }) => `Warning: ${String(warning)}`,
  accept_failed: ({ error }) => `Warning: a connection could not be taken: ${String(error)}`,
  stream_revoked: ({ caller }) => `A stream of ${String(caller)} was ended: its credential holds no more`,
  internal_error: ({ error }) => `Warning: a call failed inside the proxy: ${String(error)}`,
};

/** Undefined for what is of no interest here. */
export const sentenceOf = (
  event: string,
  fields: Fields,
  upstreamOf: (server: unknown) => string,
): string | undefined =>
  Object.hasOwn(SENTENCES, event) ? SENTENCES[event]!(fields, upstreamOf) : undefined;

/** By the words of sidecar/upstream/certificate-faults.ts. */
const NEXT_STEPS: readonly [RegExp, string][] = [
  [
    /authority that is not trusted/,
    'Give its CA: --upstream-certificate-authority FILE, or for a test take any: --upstream-insecure-skip-tls-verify',
  ],
  [/certificate is for another name/, 'Give --upstream with a name of its certificate'],
  [/certificate has expired/, 'It needs a new one; for a test take any: --upstream-insecure-skip-tls-verify'],
  [/does not speak TLS[,)]/, 'Give --upstream with http://'],
];

function nextStep(error: string): string {
  const [, step] = NEXT_STEPS.find(([fault]) => fault.test(error)) ?? [];
  return step === undefined ? '' : `\n${step}`;
}

const words = (source: unknown): string => sourceInWords(String(source));
const list = (faults: unknown): string => (Array.isArray(faults) ? faults.join('; ') : String(faults));
