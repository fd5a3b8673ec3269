/** Which headers may be forwarded; the pattern stands in the schema of the configuration too. */
import * as z from 'zod';

const OF_THE_CONNECTION =
  'host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|date|via|max-forwards|range|http2-settings';
const OF_THE_EDGE =
  'origin|referer|forwarded|x-real-ip|x-client-ip|true-client-ip|x-(?:forwarded|original|rewrite|envoy|method|http-method)(?:-.*)?';
/** Those that MCP and trace context define reach the server without being named. */
const OF_THE_PROXY =
  'accept|last-event-id|traceparent|tracestate|baggage|x-mcp-auth|(?:accept|access-control|content|if|mcp|proxy|sec)-.*';
/** The server must never get what its caller could be impersonated with. */
const CREDENTIALS = '.*(?:authorization|cookie|token|secret|password|credential|api-?key).*';

/** An underscore is left out: where headers become variables, `x_tenant` and `x-tenant` are one. */
const NAME = new RegExp(
  `^(?!(?:${[OF_THE_CONNECTION, OF_THE_EDGE, OF_THE_PROXY, CREDENTIALS].join('|')})$)[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`,
);
const NAME_WORDS =
  'is the name of a header in lower case, and none of credentials, of the connection, of proxies or of MCP';
export const MAX_FORWARDED_NAMES = 16;

export const forwardHeaders = z
  .array(z.string().regex(NAME, NAME_WORDS))
  .min(1)
  .max(MAX_FORWARDED_NAMES)
  .refine((names) => new Set(names).size === names.length, 'names a header twice');
