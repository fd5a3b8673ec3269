/** Exact sums of quantities: 100m and 200m are 300m, which numbers with a fraction are not. */
import { PARTS, unitOf } from '../quantity.ts';

/** In billionths, the finest that Kubernetes keeps; finer ones are rounded up, as it does. */
export type Amount = bigint;
/** By resource: `cpu`, `requests.memory`, `nvidia.com/gpu`. */
export type Amounts = Readonly<Record<string, Amount>>;

const NANOS = 9;
/** Far over all that Kubernetes keeps (2^63): what a template says is not trusted to be short. */
const MAX_LENGTH = 40;

/** What is no quantity counts as nothing: the API server refuses it before it is asked about any limit. */
export function amountsOf(quantities: Readonly<Record<string, string>> = {}): Amounts {
  return Object.fromEntries(Object.entries(quantities).map(([name, text]) => [name, exactly(text)]));
}

export const exactly = (quantity: string | number): Amount => {
  const [, sign = '', whole = '', fraction = '', exponent = '0', suffix = ''] =
    PARTS.exec(String(quantity)) ?? [];
  const unit = unitOf(suffix);
  const tooLong = whole.length + fraction.length > MAX_LENGTH || Math.abs(Number(exponent)) > MAX_LENGTH;
  if (unit === undefined || tooLong || whole + fraction === '') return 0n;
  const digits = BigInt(whole + fraction) * unit.times;
  const power = NANOS - fraction.length + Number(exponent) + unit.power;
  const amount = power >= 0 ? digits * 10n ** BigInt(power) : ceiling(digits, 10n ** BigInt(-power));
  return sign === '-' ? -amount : amount;
};

/** As `kubectl describe` writes it: 1100m, 160Mi. */
export function written(amount: Amount, resource: string): string {
  if (amount < 0n) return `-${written(-amount, resource)}`;
  if (amount % 10n ** 9n !== 0n) {
    return amount % 10n ** 6n === 0n ? `${amount / 10n ** 6n}m` : `${amount}n`;
  }
  const whole = amount / 10n ** 9n;
  if (!/memory|storage|hugepages/.test(resource) || whole === 0n) return String(whole);
  const power = [6n, 5n, 4n, 3n, 2n, 1n].find((each) => whole % 1024n ** each === 0n);
  return power === undefined ? String(whole) : `${whole / 1024n ** power}${'KMGTPE'[Number(power) - 1]}i`;
}

export const plus = (...lists: readonly Amounts[]): Amounts => merged(lists, (one, other) => one + other);
/** The greater of each. */
export const most = (...lists: readonly Amounts[]): Amounts =>
  merged(lists, (one, other) => (one > other ? one : other));

export const ceiling = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor;

function merged(lists: readonly Amounts[], join: (one: Amount, other: Amount) => Amount): Amounts {
  const result: Record<string, Amount> = {};
  for (const [name, amount] of lists.flatMap((each) => Object.entries(each))) {
    result[name] = name in result ? join(result[name]!, amount) : amount;
  }
  return result;
}
