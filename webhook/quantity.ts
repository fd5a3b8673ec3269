/** Amounts as Kubernetes writes them: `100m`, `128Mi`, `1e3`. */

interface Unit {
  /** Of ten. */
  readonly power: number;
  readonly times: bigint;
}

const DECIMAL: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Sign, whole, fraction, exponent, suffix. */
export const PARTS = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?([A-Za-z]*)$/;

export function unitOf(suffix: string): Unit | undefined {
  if (Object.hasOwn(DECIMAL, suffix)) return { power: DECIMAL[suffix]!, times: 1n };
  const at = BINARY.indexOf(suffix);
  return at < 0 ? undefined : { power: 0, times: 1024n ** BigInt(at + 1) };
}

/** The amount as a number, exact enough to compare; undefined when it is none. */
export function amountOf(quantity: string | number | undefined): number | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0', suffix = ''] =
    PARTS.exec(String(quantity ?? '')) ?? [];
  const unit = unitOf(suffix);
  if (sign === undefined || unit === undefined) return undefined;
  const power = Number(exponent) + unit.power;
  return Number(`${sign}${whole || '0'}.${fraction || '0'}e${power}`) * Number(unit.times);
}
