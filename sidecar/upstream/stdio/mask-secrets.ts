/** What a process says on stderr, for eyes that may not see its secrets. A guess: what looks like one goes. */

const MASK = '***';
const MAX_CHARS = 300;

const SHAPES: readonly [RegExp, string][] = [
  // Of a URL.
  [/(:\/\/)[^\s/@]+@/g, `$1${MASK}@`],
  [/\b(bearer|basic)\s+[^\s"',;]+/gi, `$1 ${MASK}`],
  [
    /\b([\w.-]*(?:token|secret|passw(?:or)?d|passphrase|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|credentials?|authorization|cookie)[\w.-]*["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;]+)/gi,
    `$1${MASK}`,
  ],
  // By their makers' prefixes; and of JWTs.
  [
    /\b(?:gh[opsru]_|github_pat_|glpat-|xox[a-z]-|sk-|pk_|rk_|AKIA|ASIA|AIza|ya29\.|npm_|pypi-|hf_|eyJ)[\w.+/=-]{8,}/g,
    MASK,
  ],
];
/** Long, without the separators of a path or of words. */
const LONG = /[A-Za-z0-9+_=-]{24,}/g;

export function maskSecrets(line: string): string {
  let text = withoutControls(line.slice(0, 2 * MAX_CHARS));
  for (const [shape, put] of SHAPES) text = text.replaceAll(shape, put);
  return text.replaceAll(LONG, (word) => (isRandom(word) ? MASK : word)).slice(0, MAX_CHARS);
}

/** Words of a program are long as well: what is random has digits among letters. */
const isRandom = (word: string): boolean => /\d/.test(word) && /[A-Za-z]/.test(word);

const ESCAPE = String.fromCodePoint(27);
const COLOURS = new RegExp(`${ESCAPE}\\[[0-9;]*[A-Za-z]`, 'g');

/** A terminal obeys them. */
const withoutControls = (text: string): string =>
  [...text.replaceAll(COLOURS, '')].filter((each) => each >= ' ' && each !== '\u007f').join('');
