/**
 * Secrets of known shapes within text. Each pattern is tried once for a run of the characters that it is made of, and
 * what follows is bounded or made of others, so that time grows with the text alone.
 */
import { MADE_TOKEN } from '../auth/token-format.ts';
import { BASE64_MARKS, MAY, PRIVATE_KEY_MARK, TOKEN_MARKS } from './triggers.ts';

export const MASK = '***';

/** How each begins, and goes on. */
const TOKENS: readonly (readonly [mark: string, rest: string, before?: string])[] = [
  // JWS and JWE (RFC 7515, 7516) begin with an object of JSON.
  ['eyJ', String.raw`[\w-]{8,}(?:\.[\w-]*){2,4}`, String.raw`[\w-]`],
  ['gh[pousr]_', '[A-Za-z0-9]{30,255}'],
  ['github_pat_', '[A-Za-z0-9_]{22,255}'],
  ['glpat-', String.raw`[\w-]{20,255}`],
  ['A[KS]IA', '[A-Z0-9]{16}(?![A-Za-z0-9])'],
  ['xox[a-z]-', '[A-Za-z0-9-]{10,255}'],
  [String.raw`xoxe\.xox[a-z]-`, '[A-Za-z0-9-]{10,255}'],
  ['xapp-', '[A-Za-z0-9-]{10,255}'],
  ['AIza', String.raw`[\w-]{35}(?![\w-])`],
  ['sk-', String.raw`(?:ant|proj|svcacct|admin|or)-[\w-]{20,512}`],
  ['sk-', '[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}'],
  ['npm_', '[A-Za-z0-9]{36}(?![A-Za-z0-9])'],
  ['[sr]k_', '(?:live|test)_[A-Za-z0-9]{16,255}'],
  ['whsec_', '[A-Za-z0-9+/=]{24,255}'],
  ['hf_', '[A-Za-z]{30,64}(?![A-Za-z])'],
  ['pypi-AgEI', String.raw`[\w-]{50,512}`],
  ['dop_v1_', '[a-f0-9]{64}'],
];
/** Not within a longer word; that is asked behind the mark, for V8 looks for marks fast where nothing stands before them. */
const PATTERNS = [
  MADE_TOKEN.source,
  ...TOKENS.map(([mark, rest, before = '[A-Za-z0-9_]']) => `${mark}(?<!${before}${mark})${rest}`),
];
const TOKEN = new RegExp(PATTERNS.join('|'), 'g');
const MARKS = new RegExp([...TOKEN_MARKS, PRIVATE_KEY_MARK].join('|'));
const PRIVATE_KEY_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const PRIVATE_KEY_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
/** The 40 characters of a secret key have no mark: what stands before them says it. */
const AWS_SECRET =
  /(secret[-_]?access[-_]?key["']?[ \t]{0,16}(?:[:=]?[ \t]{0,16}|\r?\n[ \t-]{0,64})(?:["']?value["']?[ \t]{0,4}[:=][ \t]{0,16})?["']?)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/gi;

/** @param may what it may hold (`MAY`) */
export function maskShapes(text: string, may: number): string {
  let masked = text;
  if (may & MAY.name && /secret[-_]?access/i.test(masked)) masked = masked.replace(AWS_SECRET, `$1${MASK}`);
  if (may & MAY.privateKey) masked = maskPrivateKeys(masked);
  if (may & MAY.token) masked = maskTokens(masked);
  return may & MAY.base64 ? maskBase64(masked) : masked;
}

const maskTokens = (text: string): string =>
  text.replace(TOKEN, (token: string, ...rest: unknown[]) => {
    const [at, whole] = rest.slice(-2) as [number, string];
    return scalar(whole, at, at + token.length);
  });

/** `***` alone would be an alias where YAML has a plain scalar. */
function scalar(whole: string, start: number, end: number): string {
  const before = whole.slice(Math.max(0, start - 2), start);
  const after = whole[end];
  return (before === ': ' || before === '- ') && (after === undefined || after === '\n' || after === '\r')
    ? `'${MASK}'`
    : MASK;
}

/** From its first line to its last; where that is cut off, all that follows. */
function maskPrivateKeys(text: string): string {
  if (!text.includes(PRIVATE_KEY_MARK)) return text;
  let masked = '';
  let from = 0;
  PRIVATE_KEY_BEGIN.lastIndex = 0;
  for (let begin = PRIVATE_KEY_BEGIN.exec(text); begin; begin = PRIVATE_KEY_BEGIN.exec(text)) {
    PRIVATE_KEY_END.lastIndex = PRIVATE_KEY_BEGIN.lastIndex;
    const end = PRIVATE_KEY_END.exec(text);
    const until = end ? PRIVATE_KEY_END.lastIndex : text.length;
    masked += text.slice(from, begin.index) + scalar(text, begin.index, until);
    from = until;
    PRIVATE_KEY_BEGIN.lastIndex = until;
  }
  return masked + text.slice(from);
}

const BASE64 = new RegExp(BASE64_MARKS.map((each) => each.replace(/[+/]/g, '\\$&')).join('|'));
/** Also as programs break it into lines. */
const BASE64_RUN =
  /[A-Za-z0-9+/_-]{20,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{40,}(?![^\r\n=]))*(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{2,}(?==))?={0,2}/g;

/** Where what a run stands for, from any of its places, holds a secret. */
function maskBase64(text: string): string {
  return text.replace(BASE64_RUN, (run, at: number) =>
    BASE64.test(run) && holdsSecret(run) ? scalar(text, at, at + run.length) : run,
  );
}

function holdsSecret(run: string): boolean {
  const joined = run.replace(/\s+/g, '');
  for (let shift = 0; shift < 4; shift++) {
    const decoded = Buffer.from(joined.slice(shift), 'base64').toString('latin1');
    if (MARKS.test(decoded) && maskTokens(maskPrivateKeys(decoded)) !== decoded) return true;
  }
  return false;
}
