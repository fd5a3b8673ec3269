/** One MCP session with a workload, through its sidecar: what is listed and called here is what a caller may. */
import type { Client } from '@modelcontextprotocol/client';
import { LISTEN_PATH } from '../../sidecar/config.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { type Forward, forwardPort } from '../kube/port-forward.ts';
import type { Target } from '../kube/target.ts';
import { VERSION } from '../version.ts';
import type { Caller } from './credentials.ts';
import type { Trust } from './trust.ts';

export interface SessionOptions {
  readonly target: Target;
  readonly caller: Caller;
  /** Undefined: the port speaks plainly. */
  readonly trust: Trust | undefined;
  readonly timeoutMs: number;
}

/** Connects in whichever era the server speaks, runs `work`, and closes everything whatever happens. */
export async function withSession<Result>(
  cluster: Cluster,
  { target, caller, trust, timeoutMs }: SessionOptions,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const { namespace, pod, server } = target;
  const port = { namespace, pod, port: server.listenPort };
  const forward = await forwardPort(cluster, port, trust && { ...trust.tls, ...caller.certificate });
  const refused: Refused = {};
  const transport = new StreamableHTTPClientTransport(new URL(LISTEN_PATH, forward.origin), {
    requestInit: {
      headers: {
        'user-agent': `kubectl-mcp/${VERSION}`,
        ...(caller.token ? { authorization: `Bearer ${caller.token}` } : {}),
      },
    },
    fetch: (input, init) => remembering(fetch(input, init), refused),
  });
  const client = new Client(
    { name: 'kubectl-mcp', version: VERSION },
    { versionNegotiation: { mode: 'auto' } },
  );
  try {
    await client.connect(transport, { timeout: timeoutMs });
    return await work(client);
  } catch (error) {
    throw worded(error, { refused, forward, target, caller, trust });
  } finally {
    // Legacy servers keep a session until told.
    await transport.terminateSession().catch(() => undefined);
    await client.close().catch(() => undefined);
    await forward.close();
  }
}

interface Refused {
  status?: number;
  message?: string;
}

/** The last refusal over HTTP: the SDK keeps its status, but not the sidecar's words. */
async function remembering(answer: Promise<Response>, refused: Refused): Promise<Response> {
  const response = await answer;
  if (response.ok || response.status === 405 || response.status === 404) return response;
  refused.status = response.status;
  const text = await response
    .clone()
    .text()
    .catch(() => '');
  refused.message = messageIn(text);
  return response;
}

function messageIn(text: string): string {
  try {
    const body = JSON.parse(text) as { error?: { message?: string } | string };
    const message = typeof body.error === 'object' ? body.error.message : body.error;
    return message ?? text.slice(0, 300);
  } catch {
    return text.trim().slice(0, 300);
  }
}

interface Circumstances {
  readonly refused: Refused;
  readonly forward: Forward;
  readonly target: Target;
  readonly caller: Caller;
  readonly trust: Trust | undefined;
}

function worded(error: unknown, { refused, forward, target, caller, trust }: Circumstances): unknown {
  if (error instanceof CliError) return error;
  const { title, namespace } = target;
  const said = refused.message ? `: ${refused.message}` : '';
  const doctor = `See why: kubectl mcp doctor -n ${namespace}`;
  if (refused.status === 401) {
    return new CliError(
      `${title} did not accept ${caller.certificate ? '' : 'the token of '}${caller.title} (401)${said}\n${doctor}`,
      {
        cause: error,
      },
    );
  }
  if (refused.status === 403) {
    return new CliError(
      `${title} does not let ${caller.title} call (403)${said}\nCall as another: --as-serviceaccount [NAMESPACE/]NAME, or widen the annotation kubectl-mcp.dev/allow-principals`,
      { cause: error },
    );
  }
  if (refused.status !== undefined && refused.status >= 500) {
    return new CliError(`${title} cannot answer (${refused.status})${said}\n${doctor}`, { cause: error });
  }
  const lost = forward.lastError();
  if (lost && trust && isOfCertificate(lost)) {
    return new CliError(
      `${title} shows a certificate that is not accepted by ${trust.source}: ${lost.message}\nGive its CA: --mcp-certificate-authority FILE, or take any: --mcp-insecure-skip-tls-verify\n${doctor}`,
      { cause: error },
    );
  }
  if (lost) return new CliError(`no connection to ${title}: ${lost.message}\n${doctor}`, { cause: error });
  return error;
}

/** Not a connection that was refused or reset. */
const isOfCertificate = (error: Error & { code?: string }): boolean =>
  !['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code ?? '') && !error.message.startsWith('port ');
