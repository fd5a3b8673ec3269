import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type {
  CreateMessageRequestParamsBase,
  ElicitRequestFormParams,
  LoggingLevel,
  ServerNotification,
  ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import type { McpServer as LaterServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { SCHEMA_2020_12, SCHEMA_WITH_HEADER } from '../content.ts';

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** The first line takes schemas of zod alone; what they are described by is what is listed. */
const WRITTEN: Readonly<Record<string, object>> = {
  json_schema_2020_12_tool: SCHEMA_2020_12,
  test_x_mcp_header: SCHEMA_WITH_HEADER,
};

/** A server of the first line for those who register tools as the second has them. */
export function asLaterServer(server: McpServer): LaterServer {
  const registerTool = (
    name: string,
    { inputSchema, ...config }: { inputSchema?: z.ZodObject },
    handler: (...args: unknown[]) => never,
  ) => {
    const written = WRITTEN[name];
    const schema = written ? z.looseObject({}).meta(written as never) : inputSchema;
    if (schema)
      server.registerTool(name, { ...config, inputSchema: schema }, (args: unknown, extra: Extra) =>
        handler(args, contextOf(server, extra)),
      );
    else server.registerTool(name, config, (extra: Extra) => handler(contextOf(server, extra)));
  };
  return { registerTool } as unknown as LaterServer;
}

/** What the second line gives to a tool's handler, as far as ours use it. */
function contextOf({ server }: McpServer, extra: Extra) {
  const own = { relatedRequestId: extra.requestId };
  return {
    mcpReq: {
      _meta: extra._meta,
      signal: extra.signal,
      log: (level: LoggingLevel, data: unknown) =>
        extra.sendNotification({ method: 'notifications/message', params: { level, data } }),
      notify: (notification: ServerNotification) => extra.sendNotification(notification),
      requestSampling: (params: CreateMessageRequestParamsBase) => server.createMessage(params, own),
      elicitInput: (params: ElicitRequestFormParams) => server.elicitInput(params, own),
    },
    http: { closeSSE: extra.closeSSEStream },
  };
}
