/**
 * JSON with all that JSON.parse forgets: duplicate keys, their order, and where each value stands. And what Go's
 * encoding/json makes of it, which folds case and takes the last.
 */
export interface JsonNode {
  readonly start: number;
  readonly end: number;
  /** Of objects, in their order. */
  readonly members?: readonly (readonly [key: string, value: JsonNode])[];
  /** Of arrays. */
  readonly elements?: readonly JsonNode[];
}

/** @param bytes what JSON.parse takes: nothing is checked again */
export function jsonTree(bytes: Buffer): JsonNode {
  // A character is a byte, and all that JSON is made of is ASCII.
  const text = bytes.toString('latin1');
  let at = 0;
  const space = (): void => void (at += /^[ \t\r\n]*/.exec(text.slice(at, at + 64))![0].length);
  const skip = (): void => {
    for (let before = -1; before !== at;) {
      before = at;
      space();
    }
  };
  const stringEnd = (): number => {
    let end = at + 1;
    while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    return end + 1;
  };
  const value = (): JsonNode => {
    const start = at;
    if (text[at] === '{') {
      const members: [string, JsonNode][] = [];
      for (at++, skip(); text[at] !== '}'; skip()) {
        if (text[at] === ',') at++;
        skip();
        const keyStart = at;
        at = stringEnd();
        const key = JSON.parse(bytes.toString('utf8', keyStart, at)) as string;
        skip();
        at++;
        skip();
        members.push([key, value()]);
      }
      return { start, end: ++at, members };
    }
    if (text[at] === '[') {
      const elements: JsonNode[] = [];
      for (at++, skip(); text[at] !== ']'; skip()) {
        if (text[at] === ',') at++;
        skip();
        elements.push(value());
      }
      return { start, end: ++at, elements };
    }
    if (text[at] === '"') at = stringEnd();
    else while (at < text.length && /[-+.\w]/.test(text[at]!)) at++;
    return { start, end: at };
  };
  skip();
  return value();
}

/** As JSON.parse: the last of equal keys. */
export const member = (node: JsonNode | undefined, key: string): JsonNode | undefined =>
  node?.members?.findLast(([name]) => name === key)?.[1];

/** As encoding/json decodes into a struct: the last of the keys that fold to this one. */
export const memberInGo = (node: JsonNode | undefined, key: string): JsonNode | undefined =>
  node?.members?.findLast(([name]) => goFold(name) === goFold(key))?.[1];

/** Go's simple folding: one character for one, so the Kelvin sign is a k and the long s an s. */
function goFold(key: string): string {
  return Array.from(key, (each) => {
    // The Turkish ones fold to nothing else.
    if (each === '\u0131' || each === '\u0130') return each;
    const folded = each.toLowerCase().toUpperCase();
    return Array.from(folded).length === 1 ? folded : each;
  }).join('');
}
