/** The result of a call as text for people: what a tool wrote, plainly. Pure. */
import type { CallToolResult } from '@modelcontextprotocol/client';

export interface ResultText {
  /** Lines for stdout. */
  readonly out: readonly string[];
  /** What cannot be shown as text, for stderr. */
  readonly notes: readonly string[];
}

export function formatResult({ content = [], structuredContent }: CallToolResult): ResultText {
  const out: string[] = [];
  const notes: string[] = [];
  for (const block of content) {
    if (block.type === 'text') out.push(block.text);
    else if (block.type === 'resource' && 'text' in block.resource) out.push(block.resource.text);
    else if (block.type === 'resource_link') out.push(block.uri);
    else notes.push(describe(block));
  }
  if (content.length === 0 && structuredContent !== undefined)
    out.push(JSON.stringify(structuredContent, null, 4));
  return { out, notes };
}

type Block = CallToolResult['content'][number];

function describe(block: Block): string {
  const hint = 'not shown; -o json prints it';
  if (block.type === 'image' || block.type === 'audio') {
    return `${block.type} (${block.mimeType}, ${base64Bytes(block.data)} bytes) ${hint}`;
  }
  if (block.type === 'resource') return `resource ${block.resource.uri} (binary) ${hint}`;
  return `content of type ${block.type} ${hint}`;
}

const base64Bytes = (data: string): number => Math.floor((data.replace(/=+$/, '').length * 3) / 4);
