/** `*` stands for any characters, `?` for one; everything else for itself. The whole text must match. */
export function globMatcher(glob: string): (text: string) => boolean {
  return /[*?]/.test(glob) ? (text) => matches(glob, text) : (text) => text === glob;
}

/** Without backtracking beyond the last star: the time is bounded by the product of the lengths. */
function matches(glob: string, text: string): boolean {
  let at = 0;
  let inGlob = 0;
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    if (glob[inGlob] === '*') {
      star = inGlob++;
      retry = at;
    } else if (glob[inGlob] === '?' || glob[inGlob] === text[at]) {
      inGlob++;
      at++;
    } else if (star >= 0) {
      inGlob = star + 1;
      at = ++retry;
    } else return false;
  }
  while (glob[inGlob] === '*') inGlob++;
  return inGlob === glob.length;
}
