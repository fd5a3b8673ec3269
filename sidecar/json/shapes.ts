/**
 * Which keys the protocol's own objects have, as data. Servers decode them into typed structures, and some take a key
 * for one of these that is none: Go's encoding/json folds case (CVE-2026-27896 of the Go SDK), what replaced it there
 * dropped a NUL at the end (GHSA-q382-vc8q-7jhj), encoding/json/v2 drops `-` and `_` where it ignores case, and the
 * models of the Python SDK take `request_state` for `requestState` and `meta` for `_meta`.
 */

/** How the keys of an object are judged, and what is under them. */
export interface Shape {
  /** Every key once. */
  readonly unique: boolean;
  readonly keys: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
  readonly inside: ReadonlyMap<string, Shape>;
  /** Under keys that `inside` does not name; itself when absent. */
  readonly others?: Shape;
  /** Its members are what policy reads. */
  readonly handedOut?: 'top' | 'params' | 'meta';
}

/** Controls, what is not seen, spaces, the dot that Turkish capitals leave behind, and what snake_case adds. */
const DROPPED = /[\p{Cc}\p{Default_Ignorable_Code_Point}\s\u0307_-]/gu;
/** What a key comes to in the most lenient of parsers: compatibility forms, case by way of capitals (dotless i, long s). */
const fold = (key: string): string => key.normalize('NFKC').toUpperCase().toLowerCase().replace(DROPPED, '');

export { fold };

const typed = (
  keys: string,
  inside: Record<string, Shape> = {},
  handedOut?: NonNullable<Shape['handedOut']>,
): Shape => ({
  unique: true,
  keys: new Set(keys.split(' ')),
  folded: new Set(keys.split(' ').map(fold)),
  inside: new Map(Object.entries(inside)),
  others: UNIQUE,
  ...(handedOut ? { handedOut } : {}),
});
/** Keys are names of somebody's choosing: capabilities of vendors, fields of a form. */
const named = (unique: boolean, others?: Shape): Shape => ({
  unique,
  keys: new Set(),
  folded: new Set(),
  inside: new Map(),
  ...(others ? { others } : {}),
});

const UNIQUE = named(true);
/** Below the top of `arguments`: the tool's own affair. */
const FREE = named(false);
const ARGUMENTS = named(true, FREE);
const IMPLEMENTATION = typed('name title version description websiteUrl icons');
const CAPABILITIES = typed('experimental extensions roots sampling elicitation tasks', {
  roots: typed('listChanged'),
  sampling: typed('context tools'),
  elicitation: typed('form url'),
  tasks: typed('list cancel requests'),
});
const META = typed(
  'progressToken traceparent tracestate baggage io.modelcontextprotocol/protocolVersion ' +
    'io.modelcontextprotocol/clientInfo io.modelcontextprotocol/clientCapabilities ' +
    'io.modelcontextprotocol/logLevel io.modelcontextprotocol/related-task',
  {
    'io.modelcontextprotocol/clientInfo': IMPLEMENTATION,
    'io.modelcontextprotocol/clientCapabilities': CAPABILITIES,
    'io.modelcontextprotocol/related-task': typed('taskId'),
  },
  'meta',
);
/** What clients answer to elicitation, sampling and roots/list. `content` may be a form, whose fields are the server's. */
const RESULT = typed('_meta action content role model stopReason roots', {
  roots: typed('uri name _meta'),
});
/** Of every request and notification that clients send, and of the message itself, for both are read beside each other. */
const OWN_KEYS =
  'jsonrpc id method params result error name uri arguments ref argument context cursor _meta level notifications ' +
  'inputResponses inputRequests requestState taskId task ttl status statusMessage protocolVersion capabilities ' +
  'clientInfo progressToken progress total message requestId reason structuredContent content';
const PARAMS = typed(
  OWN_KEYS,
  {
    _meta: META,
    arguments: ARGUMENTS,
    ref: typed('type name title uri'),
    argument: typed('name value'),
    context: typed('arguments', { arguments: ARGUMENTS }),
    capabilities: CAPABILITIES,
    clientInfo: IMPLEMENTATION,
    task: typed('ttl pollInterval'),
    notifications: typed(
      'toolsListChanged promptsListChanged resourcesListChanged resourceSubscriptions taskIds',
    ),
    inputResponses: named(true, RESULT),
  },
  'params',
);

/** A JSON-RPC message of a client's. */
export const MESSAGE = typed(
  OWN_KEYS,
  { params: PARAMS, result: RESULT, error: typed('code message data') },
  'top',
);

export const inside = (shape: Shape, key: string): Shape => shape.inside.get(key) ?? shape.others ?? shape;

/** Of the objects in an array: nothing that policy reads is in one. */
export const elements = (shape: Shape): Shape => (shape.handedOut ? UNIQUE : shape);

/** True when a parser somewhere could take the key for one of the shape's. */
export const readsLikeOne = ({ keys, folded }: Shape, key: string): boolean =>
  folded.size > 0 && !keys.has(key) && folded.has(fold(key));
