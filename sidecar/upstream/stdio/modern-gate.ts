/** What a server of 2026-07-28 checks of HTTP and cannot check of stdio: headers, versions and what each request says. */
import { MODERN_VERSION } from '../../client-message.ts';
import type { Exchange, Transit, Upstream } from '../../exchange.ts';
import { ownError } from '../legacy/to-modern.ts';
import { readModernRequest } from '../legacy/modern-request.ts';
import type { CatalogueTool } from '../list-tools.ts';
import { mirroredParamsProblem } from '../mirrored-params.ts';
import { send } from '../own-reply.ts';

const NOTHING: Transit = { abort: nothing, pause: nothing, resume: nothing };

/** @param toolNamed as the server lists it */
export function modernGate(
  passed: Upstream,
  toolNamed: (name: string) => CatalogueTool | undefined,
): Upstream {
  return {
    send(exchange, reply) {
      const { message } = exchange;
      if (message?.kind !== 'request' || !isModern(exchange)) return passed.send(exchange, reply);
      const request = readModernRequest(message);
      if ('problem' in request) {
        send(reply, ownError(message.id ?? 'null', request.problem));
        return NOTHING;
      }
      const mirrored =
        message.method === 'tools/call' ? toolNamed(message.target ?? '')?.mirrored : undefined;
      const mismatch = mirrored && mirroredParamsProblem(exchange, mirrored);
      if (!mismatch) return passed.send(exchange, reply);
      setImmediate(() => reply.fail(mismatch));
      return NOTHING;
    },
  };
}

/** One that says so in its headers alone, too. */
const isModern = ({ message, head }: Exchange): boolean =>
  message?.era === 'modern' || head.headers['mcp-protocol-version'] === MODERN_VERSION;

function nothing(): void {}
