/**
 * How static tokens that are made here look: `kmcp_`, 43 characters of 32 random bytes and 6 of a CRC-32, all in base
 * 62. So a scanner finds one wherever it leaked, and tells it from text that only looks so.
 */
import { crc32 } from 'node:zlib';

const MARK = 'kmcp_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
export const TOKEN_BYTES = 32;
const BODY_CHARS = 43;
const CHECKSUM_CHARS = 6;

/** For scanners and masks: a token within other text. */
export const MADE_TOKEN = /\bkmcp_[0-9A-Za-z]{49}\b/;

/** @param random 32 bytes */
export function formatToken(random: Uint8Array): string {
  if (random.length !== TOKEN_BYTES) throw new Error(`a token is made of ${TOKEN_BYTES} bytes`);
  const body = base62(BigInt(`0x${Buffer.from(random).toString('hex')}`), BODY_CHARS);
  return `${MARK}${body}${checksumOf(body)}`;
}

/** Whether it claims to be made here; `isWhole` is false where characters were lost or mistaken. */
export function madeHere(token: string): { readonly isWhole: boolean } | undefined {
  if (!token.startsWith(MARK)) return undefined;
  const body = token.slice(MARK.length, -CHECKSUM_CHARS);
  return { isWhole: body.length === BODY_CHARS && token === `${MARK}${body}${checksumOf(body)}` };
}

const checksumOf = (body: string): string => base62(BigInt(crc32(body)), CHECKSUM_CHARS);

function base62(value: bigint, chars: number): string {
  let text = '';
  for (let rest = value; text.length < chars; rest /= 62n) text = DIGITS[Number(rest % 62n)]! + text;
  return text;
}
