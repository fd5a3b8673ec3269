const UNITS = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'm', seconds: 60 },
  { name: 's', seconds: 1 },
] as const;

/** kubectl's AGE: `45s`, `3m10s`, `15m`, `2h5m`, `26h`, `3d4h`, `12d`, `2y3d`; `<unknown>` without a date. */
export function formatAge(since: Date | string | undefined, nowMs: number): string {
  if (since === undefined) return '<unknown>';
  const seconds = Math.max(0, Math.floor((nowMs - new Date(since).getTime()) / 1_000));
  if (Number.isNaN(seconds)) return '<unknown>';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return pair(seconds, 'm', 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(seconds / 3_600);
  if (hours < 8) return pair(seconds, 'h', 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return pair(seconds, 'd', 'h');
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  const rest = days % 365;
  return years < 8 && rest > 0 ? `${years}y${rest}d` : `${years}y`;
}

function pair(seconds: number, major: string, minor: string): string {
  const large = UNITS.find(({ name }) => name === major)!.seconds;
  const small = UNITS.find(({ name }) => name === minor)!.seconds;
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${major}${rest > 0 ? `${rest}${minor}` : ''}`;
}
