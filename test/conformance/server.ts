/** The reference server as a program: PORT, MCP_PATH, ALLOWED_HOSTS (comma list, `*` = all), START_MS (listens later). */
import { setTimeout as sleep } from 'node:timers/promises';
import { createReferenceServer } from './reference/server.ts';

const { PORT = '3000', HOST = '0.0.0.0', MCP_PATH, ALLOWED_HOSTS, START_MS = '0' } = process.env;
const server = createReferenceServer({
  ...(MCP_PATH ? { path: MCP_PATH } : {}),
  ...(ALLOWED_HOSTS ? { allowedHosts: ALLOWED_HOSTS.split(',') } : {}),
});
// As many servers do: SIGTERM ends it at once. What must survive a restart is the sidecar's task.
process.on('SIGTERM', () => process.exit(0));
await sleep(Number(START_MS));
server.listen(Number(PORT), HOST, () => console.error(`reference server on port ${PORT}`));
