/** One line of a log → an audit record. The one reader of them. Pure. */
export interface AuditRecord {
  readonly time?: unknown;
  readonly msg?: unknown;
  readonly audit_id?: unknown;
  readonly type?: unknown;
  readonly outcome?: unknown;
  readonly component?: unknown;
  readonly source?: { readonly value?: unknown; readonly extra?: Readonly<Record<string, unknown>> };
  readonly subjects?: Readonly<Record<string, unknown>>;
  readonly delegation?: { readonly chain?: unknown };
  readonly target?: Readonly<Record<string, unknown>>;
  readonly metadata?: { readonly extra?: Readonly<Record<string, unknown>> };
  readonly kubernetes?: Readonly<Record<string, unknown>>;
}

export interface Entry {
  readonly timeMs: number;
  readonly record: AuditRecord;
  /** As it was written. */
  readonly json: string;
}

/** `part`: the runtime has cut the line, the rest follows. `broken`: cut for good, or no JSON. */
export type Line = Entry | 'event' | 'blank' | 'part' | 'broken';

/** containerd and CRI-O: time, stream, F or P for a part, tags. */
const CRI = /^\S+ (stdout|stderr) ([FP])(?::\S*)? /;
const DOCKER = /^\{"log":"/;
const MAX_LINE_CHARS = 1024 * 1024;

/** Before the record there may be a runtime's prefix, kubectl's `--prefix` and `--timestamps`, or the like. */
export function createLineReader(): (line: string) => Line {
  const parts: Record<string, string> = {};
  const joined = (stream: string, text: string, isPart: boolean): Line => {
    const whole = (parts[stream] ?? '') + text;
    parts[stream] = isPart && whole.length < MAX_LINE_CHARS ? whole : '';
    return isPart ? 'part' : readRecord(whole);
  };
  return (line) => {
    const first = line.charCodeAt(0);
    const cri = first >= 48 && first <= 57 ? CRI.exec(line) : null;
    if (cri) return joined(cri[1]!, line.slice(cri[0].length), cri[2] === 'P');
    if (DOCKER.test(line)) {
      const { log, stream } = (parsed(line) ?? {}) as { log?: unknown; stream?: unknown };
      if (typeof log !== 'string') return 'broken';
      return joined(String(stream), log.replace(/\n$/, ''), !log.endsWith('\n'));
    }
    return readRecord(line);
  };
}

function readRecord(line: string): Line {
  const start = line.indexOf('{');
  if (start < 0) return line.trim() === '' ? 'blank' : 'broken';
  const json = start === 0 ? line : line.slice(start);
  const record = parsed(json);
  if (record === undefined) return 'broken';
  if (record?.msg !== 'audit_event') return 'event';
  const timeMs = typeof record.time === 'string' ? Date.parse(record.time) : Number.NaN;
  return Number.isNaN(timeMs) ? 'broken' : { timeMs, record, json };
}

function parsed(json: string): AuditRecord | null | undefined {
  try {
    return JSON.parse(json) as AuditRecord | null;
  } catch {
    return undefined;
  }
}
