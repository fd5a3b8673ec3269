const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9;

/** The end of the number that starts at `start`, as RFC 8259 section 6 writes them; undefined when there is none. */
export function numberEnd(bytes: Buffer, start: number): number | undefined {
  let at = bytes[start] === 0x2d ? start + 1 : start;
  const first = bytes[at];
  if (!isDigit(first)) return undefined;
  at = first === DIGIT_0 ? at + 1 : digitsEnd(bytes, at);
  if (bytes[at] === 0x2e) {
    if (!isDigit(bytes[at + 1])) return undefined;
    at = digitsEnd(bytes, at + 1);
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    at += bytes[at + 1] === 0x2b || bytes[at + 1] === 0x2d ? 2 : 1;
    if (!isDigit(bytes[at])) return undefined;
    at = digitsEnd(bytes, at);
  }
  return at;
}

function digitsEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at++;
  return at;
}
