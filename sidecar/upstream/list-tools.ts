import { hash } from 'node:crypto';
import { toolFacts, type ToolFacts } from '../filter/decide-tool.ts';
import { reasonOf } from './connect-mcp.ts';
import type { HttpPool } from './http-pool.ts';
import { mirroredParams, type MirroredParam } from './mirrored-params.ts';
import { UpstreamError } from './upstream-error.ts';
import { rpc, type Dialect, type RpcAnswer } from './mcp-request.ts';

export interface CatalogueTool extends ToolFacts {
  /** SHA-256 of the input schema as the server wrote its members, for pins. */
  readonly schemaHash: string;
  /** Arguments that clients of 2026-07-28 repeat in headers; absent when there are none. */
  readonly mirrored?: readonly MirroredParam[];
}

const TIMEOUT_MS = 10_000;
/** A server whose cursors never end must not hold the sidecar. */
const MAX_PAGES = 1_000;
const MAX_TOOLS = 10_000;

/** The server answered, and not with a list. */
export class ListRefusedError extends UpstreamError {
  readonly status: number;
  constructor(answer: RpcAnswer) {
    super(`tools/list was refused: ${reasonOf(answer)}`);
    this.name = 'ListRefusedError';
    this.status = answer.status;
  }
}

/** Every page of `tools/list`, by name. @throws {UpstreamError} */
export async function listTools(pool: HttpPool, dialect: Dialect): Promise<Map<string, CatalogueTool>> {
  const found = new Map<string, CatalogueTool>();
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await rpc(pool, dialect, 'tools/list', cursor === undefined ? {} : { cursor }, {
      timeoutMs: TIMEOUT_MS,
    });
    const tools = answer.result?.['tools'];
    if (!Array.isArray(tools)) throw new ListRefusedError(answer);
    for (const tool of tools as unknown[]) {
      const facts = toolFacts(tool);
      if (!facts) continue;
      const { inputSchema } = tool as { inputSchema?: unknown };
      const mirrored = mirroredParams(inputSchema);
      found.set(facts.name, {
        ...facts,
        schemaHash: hash('sha256', JSON.stringify(inputSchema ?? null)),
        ...(mirrored.length > 0 ? { mirrored } : {}),
      });
    }
    if (found.size > MAX_TOOLS) throw new UpstreamError(`tools/list has more than ${MAX_TOOLS} tools`);
    const next = answer.result?.['nextCursor'];
    if (typeof next !== 'string') return found;
    cursor = next;
  }
  throw new UpstreamError(`tools/list did not end after ${MAX_PAGES} pages`);
}
