/** Fifty secrets, made up each from a seed: none stands in this repository as it would be found. */
import { generateKeyPairSync } from 'node:crypto';
import { formatToken } from '../../../sidecar/auth/token-format.ts';
import { seeded } from '../wire/seeded.ts';

const random = seeded(9);
const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const of = (alphabet: string, chars: number): string =>
  Array.from({ length: chars }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
const word = (chars: number): string => of(ALPHANUMERIC, chars);
const upper = (chars: number): string => of('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', chars);
const bytes = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));
const jwt = (header: object): string =>
  [JSON.stringify(header), JSON.stringify({ sub: word(12) }), bytes(32)]
    .map((part) => Buffer.from(part as string).toString('base64url'))
    .join('.');
const pem = (type: 'pkcs1' | 'pkcs8' | 'sec1', kind: 'rsa' | 'ec'): string =>
  (kind === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: 1024 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  ).privateKey
    .export({ type, format: 'pem' } as { type: 'pkcs8'; format: 'pem' })
    .toString()
    .trim();
const openssh = (): string =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes(96)
    .toString('base64')
    .match(/.{1,70}/g)!
    .join('\n')}\n-----END OPENSSH PRIVATE KEY-----`;

/** Of a shape of their own: wherever they stand. */
export const SHAPED: readonly string[] = [
  ...Array.from({ length: 4 }, () => formatToken(bytes(32))),
  jwt({ alg: 'RS256', kid: word(20) }),
  jwt({ typ: 'JWT', alg: 'ES256' }),
  jwt({ kid: word(9), alg: 'EdDSA' }),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((mark) => mark + word(36)),
  `github_pat_${word(22)}_${word(59)}`,
  `glpat-${word(20)}`,
  ...['AKIA', 'ASIA', 'AKIA'].map((mark) => mark + upper(16)),
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxs-'].map((mark) => `${mark}${of('0123456789', 12)}-${word(24)}`),
  `xapp-1-${upper(10)}-${word(30)}`,
  `AIza${word(35)}`,
  `AIza${word(30)}-${word(2)}_x`,
  `sk-ant-api03-${word(40)}-${word(40)}`,
  `sk-proj-${word(60)}`,
  `sk-svcacct-${word(60)}`,
  `sk-or-v1-${word(64)}`,
  `sk-${word(20)}T3BlbkFJ${word(20)}`,
  ...[0, 1].map(() => `npm_${word(36)}`),
  ...['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'].map((mark) => mark + word(24)),
  `whsec_${word(32)}`,
  `hf_${of(ALPHANUMERIC.slice(0, 52), 34)}`,
  `dop_v1_${of('0123456789abcdef', 64)}`,
  `pypi-AgEI${word(80)}`,
  pem('pkcs8', 'rsa'),
  pem('pkcs1', 'rsa'),
  pem('pkcs8', 'ec'),
  pem('sec1', 'ec'),
  openssh(),
];

/** Known by where they stand alone: values of Secrets. */
export const UNSHAPED: readonly string[] = Array.from({ length: 6 }, (_, at) => `pw-${word(10 + 3 * at)}`);

export const PLANTED: readonly string[] = [...SHAPED, ...UNSHAPED];

/** Every way in which a secret is one to a reader of `text`. */
export function isIn(text: string, secret: string): boolean {
  const lines = secret.split('\n');
  // Of a key one line of its middle is enough.
  const core = lines.length > 2 ? lines[1]! : secret;
  const encoded = Buffer.from(secret).toString('base64');
  return [core, encoded].some(
    (each) => text.includes(each) || text.includes(JSON.stringify(each).slice(1, -1)),
  );
}
