import { toolFacts, type ToolFacts } from '../filter/decide-tool.ts';
import { argumentShape, type ArgumentShape } from '../overrides/argument-shape.ts';
import type { Definition } from '../pins/definition.ts';
import { reasonOf } from './connect-mcp.ts';
import type { HttpPool } from './http-pool.ts';
import { mirroredParams, type MirroredParam } from './mirrored-params.ts';
import { UpstreamError } from './upstream-error.ts';
import { rpc, type Dialect, type RpcAnswer } from './mcp-request.ts';

export interface CatalogueTool extends ToolFacts {
  /** What is pinned of it, where tools are; absent too when nobody can vouch for it. */
  readonly pin?: Definition;
  /** Where a policy may override arguments. */
  readonly shape?: ArgumentShape;
  /** Arguments that clients of 2026-07-28 repeat in headers; absent when there are none. */
  readonly mirrored?: readonly MirroredParam[];
  /** Whether it may, or must, be called as a task (2025-11-25); absent where it cannot be. */
  readonly tasks?: 'optional' | 'required';
}

const TIMEOUT_MS = 10_000;
/** A server whose cursors never end must not hold the sidecar. */
const MAX_PAGES = 1_000;
const MAX_TOOLS = 10_000;

/** The server answered, and not with a list. */
export class ListRefusedError extends UpstreamError {
  readonly status: number;
  constructor(method: string, answer: RpcAnswer) {
    super(`${method} was refused: ${reasonOf(answer)}`);
    this.name = 'ListRefusedError';
    this.status = answer.status;
  }
}

export type Define = (tool: unknown) => Definition | undefined;

/**
 * Every page of `tools/list`, by name.
 * @param define where tools are pinned
 * @param shaped where a policy may override arguments
 * @throws {UpstreamError}
 */
export async function listTools(
  pool: HttpPool,
  dialect: Dialect,
  define?: Define,
  shaped = false,
): Promise<Map<string, CatalogueTool>> {
  const found = new Map<string, CatalogueTool>();
  await listAll(pool, dialect, 'tools', (tool) => {
    const facts = toolFacts(tool);
    if (!facts) return;
    const { inputSchema, execution } = tool as {
      inputSchema?: unknown;
      execution?: { taskSupport?: unknown } | null;
    };
    const mirrored = mirroredParams(inputSchema);
    const tasks = execution?.taskSupport;
    const pin = define?.(tool);
    found.set(facts.name, {
      ...facts,
      ...(pin ? { pin } : {}),
      ...(shaped ? { shape: argumentShape(inputSchema) } : {}),
      ...(mirrored.length > 0 ? { mirrored } : {}),
      ...(tasks === 'optional' || tasks === 'required' ? { tasks } : {}),
    });
  });
  return found;
}

/** Every page of `tools/list`, each tool as the server has it. @throws {UpstreamError} */
export async function listDefinitions(pool: HttpPool, dialect: Dialect): Promise<unknown[]> {
  const found: unknown[] = [];
  await listAll(pool, dialect, 'tools', (tool) => void found.push(tool));
  return found;
}

/** Every page of `prompts/list`, by name. @throws {UpstreamError} */
export async function listPrompts(pool: HttpPool, dialect: Dialect): Promise<Map<string, true>> {
  const found = new Map<string, true>();
  await listAll(pool, dialect, 'prompts', (prompt) => {
    const { name } = (prompt ?? {}) as { name?: unknown };
    if (typeof name === 'string') found.set(name, true);
  });
  return found;
}

async function listAll(
  pool: HttpPool,
  dialect: Dialect,
  key: 'tools' | 'prompts',
  each: (element: unknown) => void,
): Promise<void> {
  const method = `${key}/list`;
  let count = 0;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await rpc(pool, dialect, method, cursor === undefined ? {} : { cursor }, {
      timeoutMs: TIMEOUT_MS,
    });
    const listed = answer.result?.[key];
    if (!Array.isArray(listed)) throw new ListRefusedError(method, answer);
    for (const element of listed as unknown[]) each(element);
    count += listed.length;
    if (count > MAX_TOOLS) throw new UpstreamError(`${method} has more than ${MAX_TOOLS} ${key}`);
    const next = answer.result?.['nextCursor'];
    if (typeof next !== 'string') return;
    cursor = next;
  }
  throw new UpstreamError(`${method} did not end after ${MAX_PAGES} pages`);
}
