import { globMatcher } from '../glob.ts';

/** The host is matched by itself, so that no path can stand in for one. */
export const URL_GLOB = /^(https?):\/\/([A-Za-z0-9.*?-]+(?::\d{1,5})?)(\/[!-~]*)?$/;

/**
 * The ways in which servers may read a URI: as it is written, without its escapes, without its dot segments. What is
 * allowed must be so in each of them, and what is denied in any is denied.
 */
export function formsOf(uri: string): readonly string[] {
  const forms = new Set([uri]);
  for (const form of [uri, decoded(uri)]) {
    forms.add(form);
    forms.add(decoded(URL.parse(form)?.href ?? form));
  }
  return [...forms];
}

/** Escapes of escapes are read once, as servers do. What are none of UTF-8 stay. */
function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether a URL that a user should open matches `https://HOST[:PORT][/PATH]`. Names before a host count as no match. */
export function urlMatcher(glob: string): (url: string) => boolean {
  const [, scheme, host = '', path = '/*'] = URL_GLOB.exec(glob) ?? [];
  const isHost = globMatcher(host.toLowerCase());
  const isPath = globMatcher(path);
  return (url) => {
    const parsed = URL.parse(url);
    return (
      parsed !== null &&
      parsed.protocol === `${scheme}:` &&
      parsed.username === '' &&
      parsed.password === '' &&
      isHost(parsed.host) &&
      isPath(parsed.pathname + parsed.search)
    );
  };
}
