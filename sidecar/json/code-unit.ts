/** The value of a hexadecimal digit by its byte; 16 for what is none. */
const DIGITS = new Uint8Array(256).fill(16);
for (const digit of '0123456789abcdefABCDEF') DIGITS[digit.charCodeAt(0)] = Number.parseInt(digit, 16);

/** The UTF-16 code unit that `uXXXX` at `at` stands for; undefined when that is not there. */
export function codeUnit(bytes: Buffer, at: number): number | undefined {
  if (bytes[at] !== 0x75) return undefined;
  let unit = 0;
  for (let next = at + 1; next < at + 5; next++) {
    const digit = DIGITS[bytes[next] ?? 0]!;
    if (digit === 16) return undefined;
    unit = unit * 16 + digit;
  }
  return unit;
}
