/** What is in the images of the servers under test. */

/** `npm`: the package as it was installed. `source`: one file of ours, bundled to /app/server.mjs. */
type Listening = { command: readonly string[]; port: number } & ({ npm: string } | { source: string });
/**
 * Servers of stdio that listen nowhere, and no shell and no busybox beside them: the packages that are locked in the
 * directory, with Node or with Python. Pods say which of them is started.
 */
type Stdio = { command: readonly string[] } & ({ npmLock: string } | { requirements: string });
export type Recipe = Listening | Stdio;

const EVERYTHING = '@modelcontextprotocol/server-everything';
/** In the images below /app. */
export const STDIO_ENTRIES = {
  thinking: 'node_modules/@modelcontextprotocol/server-sequential-thinking/dist/index.js',
  memory: 'node_modules/@modelcontextprotocol/server-memory/dist/index.js',
  filesystem: 'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js',
  everything: `node_modules/${EVERYTHING}/dist/index.js`,
  kubernetes: 'node_modules/mcp-server-kubernetes/dist/index.js',
} as const;

export const RECIPES: Readonly<Record<string, Recipe>> = {
  everything: {
    npm: EVERYTHING,
    command: [`/app/${STDIO_ENTRIES.everything}`, 'streamableHttp'],
    port: 3001,
  },
  'conformance-server': { source: 'test/conformance/server.ts', command: ['/app/server.mjs'], port: 3000 },
  stdio: { npmLock: 'test/images/stdio', command: [`/app/${STDIO_ENTRIES.thinking}`] },
  'stdio-kubernetes': { npmLock: 'test/matrix/servers/npm', command: [`/app/${STDIO_ENTRIES.kubernetes}`] },
  'stdio-python': {
    requirements: 'test/images/stdio/requirements.txt',
    command: ['-m', 'mcp_server_time'],
  },
};
