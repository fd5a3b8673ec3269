/** The reference server over its own stdin and stdout: `node stdio-server.ts both|legacy|modern`. */
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { buildReference } from './server.ts';

const eras = process.argv[2] ?? 'both';

const build = (era: Parameters<typeof buildReference>[0]) => {
  const server = buildReference(era, {
    toolsChanged: () => server.sendToolListChanged(),
    promptsChanged: () => server.sendPromptListChanged(),
  });
  return server;
};

// One that knows sessions alone refuses server/discover as an unknown method.
if (eras === 'legacy') await build('legacy').connect(new StdioServerTransport());
else
  serveStdio(({ era }) => build(eras === 'modern' ? 'modern alone' : era), {
    legacy: eras === 'modern' ? 'reject' : 'serve',
  });
