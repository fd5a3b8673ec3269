/** Events of a component as one JSON line each on stderr: stdout is the audit log's. */
export type Log = (event: string, fields?: Record<string, unknown>) => void;

export function createLog(component: string, write: (line: string) => void): Log {
  return (event, fields = {}) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), component, event, ...fields })}\n`);
}
