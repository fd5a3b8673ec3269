/** Masks the secrets of one text: JSON, JSON within other text, YAML, what Go prints, and secrets of known shapes. */
import { maskJson, type Around } from './mask-json.ts';
import { MASK, maskShapes } from './shapes.ts';
import { MAY, TRIGGERS } from './triggers.ts';
import { createWordScanner } from './word-scanner.ts';
import { maskYamlSecrets, maskYamlUsers } from './yaml-secrets.ts';

/** @param may what it may hold, where that is known */
export type TextMask = (text: string, around: Around, may?: number) => string;

const scan = createWordScanner(TRIGGERS);
/** What secrets there may be, as bits of `MAY`; never wrong in saying none. */
export const suspect = (bytes: Buffer, start = 0, end = bytes.length): number => scan(bytes, start, end);

/** JSON in strings of JSON in strings… no server nests them deeper. */
const MAX_DEPTH = 6;
/** Of places in a text where JSON may begin and does not. */
const MAX_FAILED = 32;

export function maskText(text: string, around: Around, known?: number): string {
  if (around.depth > MAX_DEPTH) return MASK;
  const within = { ...around, depth: around.depth + 1 };
  const first = /^[\s\ufeff]*([[{"])/.exec(text)?.[1];
  if (first) {
    const masked = wholeJson(text, within);
    if (masked !== undefined) return masked;
    // Cut off, and what it is cannot be seen any more.
    if (around.asked && first !== '"') return MASK;
  }
  const may = known === undefined || known & MAY.escaped ? suspect(Buffer.from(text)) : known;
  if (!around.asked && !(may & (MAY.name | MAY.escaped))) return maskShapes(text, may);
  let rest = '';
  const masked = maskPieces(text, within, (between) => (rest += `${between}\0`));
  const isYaml =
    MENTIONS_YAML.test(masked) || (around.asked && /^[ \t-]*(?:data|stringData)[ \t]*:/m.test(masked));
  const plain = isYaml ? maskYamlSecrets(masked, around.asked) : masked;
  if (isUnread(rest)) return MASK;
  return maskShapes(/users|client-key-data/.test(plain) ? maskYamlUsers(plain) : plain, may);
}

/** A Secret, or its type, in YAML. */
const MENTIONS_YAML =
  /^[ \t-]*["']?(?:kind["']?[ \t]*:[ \t]*(?:[!&][^ ]* )?["']?Secret|type["']?[ \t]*:[ \t]*["']?(?:Opaque|kubernetes\.io\/|bootstrap\.|helm\.sh))/m;
/** In JSON that is cut off or escaped, in YAML on one line, and as Go prints maps. */
const UNREAD = [
  /kind\\{0,16}"[ \t\r\n]{0,16}:[ \t\r\n]{0,16}\\{0,16}"Secret(?:List)?\\{0,16}"/,
  /[{,][ \t\r\n]{0,64}kind["']?[ \t]{0,8}:[ \t]{0,8}["']?Secret(?:List)?\b/,
  /\bkind:Secret(?:List)?\b/,
];
const isUnread = (text: string): boolean => text.includes('Secret') && UNREAD.some((each) => each.test(text));

function wholeJson(text: string, around: Around): string | undefined {
  const bytes = Buffer.from(text.replace(/^\ufeff/, ''));
  try {
    return maskJson(bytes, around, suspect, maskText).toString('utf8');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    return MASK;
  }
}

/** Objects of JSON with other text around them; that goes to `between`. */
function maskPieces(text: string, around: Around, between: (text: string) => void): string {
  let masked = '';
  let from = 0;
  let failed = 0;
  const isWorthIt =
    text.includes('"') && (around.asked || /Secret|users|client-key-data|Opaque|\.io\//.test(text));
  for (
    let at = isWorthIt ? text.indexOf('{') : -1;
    at >= 0 && failed < MAX_FAILED;
    at = text.indexOf('{', at)
  ) {
    const end = objectEnd(text, at);
    const piece = end === undefined ? undefined : wholeJson(text.slice(at, end), around);
    if (end === undefined || piece === undefined) {
      failed++;
      at++;
      continue;
    }
    between(text.slice(from, at));
    masked += text.slice(from, at) + piece;
    from = at = end;
  }
  between(text.slice(from));
  return masked + text.slice(from);
}

/** By brackets and quotes alone. */
function objectEnd(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++)
        if (text.charCodeAt(at) === 0x5c) at++;
    } else if (char === 0x7b) depth++;
    else if (char === 0x7d && --depth === 0) return at + 1;
  }
  return undefined;
}
