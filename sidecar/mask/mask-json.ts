import { isSecretKind, isSecretType } from './secret-kinds.ts';
import { MASK } from './shapes.ts';
import { readJsonTree, stringAt, type JsonNode } from './json-tree.ts';
import type { TextMask } from './mask-text.ts';
import { USER_KEYS } from './yaml-secrets.ts';

/** What is known of a value by those that it stands in. */
export interface Around {
  /** The call was about Secrets: an object that does not say its kind is one. */
  readonly asked: boolean;
  /** JSON in strings of JSON, so far. */
  readonly depth: number;
  /** An object of this list is a Secret without saying so. */
  readonly ofList?: boolean;
  /** Within `users` of a kubeconfig. */
  readonly ofUser?: boolean;
  /** An object of the protocol's own. */
  readonly own?: Own;
  /** What the answer says shows nothing of what it is: all of it is masked. */
  readonly whole?: boolean;
}

export type Own = 'message' | 'inside';

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Go's own structures have capitals. */
const VALUES = new Set(['data', 'stringData', 'Data', 'StringData']);
const KIND = new Set(['kind', 'Kind']);
/** Of the protocol: sent back as they are. */
const HANDLES: Readonly<Record<Own, ReadonlySet<string>>> = {
  message: new Set(['id', 'jsonrpc', 'method']),
  inside: new Set(['nextCursor', 'requestState', 'taskId', 'progressToken']),
};
const INSIDE = new Set(['result', 'params', 'error', 'task', '_meta']);
const SAID = new Set([
  'content',
  'contents',
  'structuredContent',
  'messages',
  'message',
  'statusMessage',
  'data',
]);
const FORMS = new Set(['type', 'mimeType', 'uri', 'role']);
const MASKED_BASE64 = Buffer.from(MASK).toString('base64');
const SECRET_ACCESS_KEY = /secret[-_]?access[-_]?key/i;
const IS_BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** @throws {SyntaxError} for what is no JSON */
export function maskJson(
  bytes: Buffer,
  around: Around,
  suspect: (bytes: Buffer, start?: number, end?: number) => number,
  maskText: TextMask,
): Buffer {
  const tree = readJsonTree(bytes);
  const edits: Edit[] = [];
  maskNode(tree, around);
  return applyEdits(bytes, edits);

  function maskNode(node: JsonNode, by: Around): void {
    if (node.type === 'string') {
      const may = suspect(bytes, node.start, node.end);
      if (!by.asked && may === 0) return;
      const text = stringAt(bytes, node);
      const masked = maskText(text, by, may);
      if (masked !== text) replace(node, masked);
    } else if (node.type === 'array') for (const item of node.items!) maskNode(item, by);
    else if (node.type === 'object') maskObject(node, by);
  }

  function maskObject(node: JsonNode, by: Around): void {
    const keys = node.keys!;
    const items = node.items!;
    const said = (key: string): string | undefined => {
      const item = items[keys.lastIndexOf(key)];
      return item?.type === 'string' ? stringAt(bytes, item) : undefined;
    };
    // Of equal keys any may be what a client reads.
    const kinds = keys.flatMap((key, at) =>
      KIND.has(key) && items[at]!.type === 'string' ? [stringAt(bytes, items[at]!)] : [],
    );
    const isSecret =
      kinds.some(isSecretKind) ||
      (kinds.length === 0 && (by.ofList === true || by.asked || isSecretType(said('type'))));
    const ofList = kinds.includes('SecretList');
    const isAccessKey = SECRET_ACCESS_KEY.test(said('name') ?? '');
    const isMedia = keys.includes('mimeType') && /^(image|audio)$/.test(said('type') ?? '');
    for (const [at, key] of keys.entries()) {
      const item = items[at]!;
      if (by.own && item.type === 'string' && HANDLES[by.own].has(key)) continue;
      if (by.whole && by.own === 'inside' && SAID.has(key)) maskWhole(item, key);
      else if (isSecret && VALUES.has(key) && item.type === 'object') maskLeaves(item);
      else if (isMedia && key === 'data') continue;
      else if (key === 'blob' && item.type === 'string') maskBlob(item, by);
      else if (
        item.type === 'string' &&
        ((by.ofUser && USER_KEYS.has(key)) ||
          key === 'client-key-data' ||
          SECRET_ACCESS_KEY.test(key) ||
          (isAccessKey && key === 'value'))
      )
        maskLeaves(item);
      else
        maskNode(item, {
          asked: by.asked,
          depth: by.depth,
          ...(ofList && key === 'items' && { ofList: true }),
          ...((by.ofUser || key === 'users') && { ofUser: true }),
          ...(by.own && INSIDE.has(key) && { own: 'inside', ...(by.whole && { whole: true }) }),
        });
    }
  }

  function maskLeaves(node: JsonNode): void {
    if (node.items) node.items.forEach(maskLeaves);
    else if (node.type === 'number' || (node.type === 'string' && node.end > node.start + 2))
      replace(node, MASK);
  }

  function maskWhole(node: JsonNode, key: string): void {
    if (node.type === 'array') for (const item of node.items!) maskWhole(item, key);
    else if (node.type === 'string') replace(node, MASK);
    else if (node.type === 'object')
      for (const [at, name] of node.keys!.entries()) {
        const item = node.items![at]!;
        if (key === 'structuredContent' || key === 'data') maskWhole(item, key);
        else if ((name === 'blob' || name === 'data') && item.type === 'string') replace(item, MASKED_BASE64);
        else if (!FORMS.has(name)) maskWhole(item, key);
      }
  }

  /** Contents of resources: text that was encoded is masked, and encoded again. */
  function maskBlob(node: JsonNode, by: Around): void {
    const blob = stringAt(bytes, node);
    if (!IS_BASE64.test(blob)) return maskNode(node, by);
    const decoded = Buffer.from(blob, 'base64');
    if (!by.asked && suspect(decoded) === 0) return;
    const text = decoded.toString('latin1');
    const masked = maskText(text, by);
    if (masked !== text) replace(node, Buffer.from(masked, 'latin1').toString('base64'));
  }

  function replace({ start, end }: JsonNode, text: string): void {
    const written = JSON.stringify(text);
    if (bytes.toString('utf8', start, end) !== written) edits.push({ start, end, text: written });
  }
}

/** In order. */
export function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes;
  const parts: Buffer[] = [];
  let from = 0;
  for (const { start, end, text } of edits) {
    parts.push(bytes.subarray(from, start), Buffer.from(text));
    from = end;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}
