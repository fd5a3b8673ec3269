/** One JSON line per event; no line holds a secret. */
export type Log = (level: 'info' | 'error', message: string, fields?: object) => void;

export const createLog =
  (write: (line: string) => void): Log =>
  (level, message, fields = {}) =>
    write(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }));
