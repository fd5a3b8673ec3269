/** Audit records → the smallest policy that would have let them through. Pure. */
import { type AuditRecord, createLineReader } from '../audit/read-line.ts';
import type { KnownTool } from './sources.ts';

export interface Suggestion {
  readonly text: string;
  /** Records of requests that were let through. */
  readonly used: number;
  /** Lines that are no such record. */
  readonly others: number;
}

const SECTIONS = { tool: 'tools', resource: 'resources', prompt: 'prompts' } as const;
type Kind = keyof typeof SECTIONS;
/** What records hold of a name that is longer than they take. */
const CUT = /… [\w-]{16}$/;
const READS =
  /^(get|list|read|search|find|describe|show|view|query|fetch|lookup|explain|count|check|ping|logs?|status|version|help)$/;
const WRITES =
  /^(create|delete|remove|update|set|put|post|patch|apply|write|edit|exec|run|execute|install|uninstall|upgrade|scale|rollout|restart|stop|start|kill|send|move|rename|upload|drop|insert|cleanup|forward|drain|generic)$/;

/** @param tools where they are known: those without hints are marked for somebody to look at */
export function suggestPolicy(
  lines: readonly string[],
  tools: ReadonlyMap<string, KnownTool> | undefined,
  component?: string,
): Suggestion {
  const names: Record<Kind, Set<string>> = { tool: new Set(), resource: new Set(), prompt: new Set() };
  let used = 0;
  let others = 0;
  const read = createLineReader();
  for (const line of lines) {
    const entry = read(line);
    if (entry === 'part') continue;
    const found = typeof entry === 'object' ? usedIn(entry.record) : undefined;
    if (!found || (component !== undefined && found.component !== component)) {
      if (line.trim() !== '') others++;
      continue;
    }
    names[found.kind].add(found.name);
    used++;
  }
  const sections = (Object.keys(SECTIONS) as Kind[]).flatMap((kind) => {
    const sorted = [...names[kind]].toSorted();
    const listed = sorted.map(
      (name) => `    - ${JSON.stringify(escaped(name))}${kind === 'tool' ? comment(name, tools) : ''}`,
    );
    return [`${SECTIONS[kind]}:`, listed.length > 0 ? '  allow:' : '  allow: []', ...listed];
  });
  return { text: `${['version: 1', ...sections].join('\n')}\n`, used, others };
}

/** Of a request that was let through, whatever the server made of it. */
function usedIn({
  outcome,
  target,
  component,
}: AuditRecord): { kind: Kind; name: string; component: unknown } | undefined {
  const { type, name } = target ?? {};
  if (outcome === 'denied' || typeof name !== 'string') return undefined;
  if (typeof type !== 'string' || !Object.hasOwn(SECTIONS, type)) return undefined;
  return CUT.test(name) ? undefined : { kind: type as Kind, name, component };
}

/** Of the characters that stand for others, the one that stands for the fewest. */
const escaped = (name: string): string => name.replaceAll('*', '?');

function comment(name: string, tools: Parameters<typeof suggestPolicy>[1]): string {
  if (!tools) return '';
  const tool = tools.get(name);
  if (!tool) return ' # the server has no such tool any more';
  if (tool.readOnly) return '';
  if (tool.hinted !== false) return tool.destructive ? ' # destructive by its hints' : '';
  const words = name.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/).map((each) => each.toLowerCase());
  const guess = words.some((word) => WRITES.test(word))
    ? 'by its name it writes'
    : words.some((word) => READS.test(word))
      ? 'by its name it reads'
      : 'its name does not tell';
  return ` # review: no hints; ${guess}`;
}
