import type { ServerHealthSource } from '../health.ts';

/** What `kubectl mcp pin` reads on the admin port. */
export interface ServerDefinitions {
  readonly name: string;
  /** As the server has them, whatever callers see. */
  readonly tools?: readonly unknown[];
  readonly error?: string;
}

/** The tools of each server, asked for now; nothing of them is kept. */
export async function readDefinitions(
  servers: readonly Pick<ServerHealthSource, 'name' | 'definitions'>[],
): Promise<{ servers: ServerDefinitions[] }> {
  const read = servers.map(async ({ name, definitions }) => {
    try {
      return { name, tools: (await definitions?.()) ?? [] };
    } catch (error) {
      return { name, error: (error as Error).message };
    }
  });
  return { servers: await Promise.all(read) };
}
