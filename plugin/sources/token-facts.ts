/** What can be told of tokens without telling them. Pure. */
import { readCallerFile } from '../../sidecar/auth/read-tokens.ts';
import { madeHere } from '../../sidecar/auth/token-format.ts';
import { tokenId } from '../../sidecar/auth/token-record.ts';

export interface TokenFacts {
  readonly caller: string;
  /** The beginning of its digest. */
  readonly id: string;
  readonly expiresAtMs?: number;
  /** Why somebody could guess it; of one that is stored as a digest nobody can say. */
  readonly weakness?: string;
}

const LEAST_CHARS = 16;
/** Of random text of 16 characters in hexadecimal, about; what people make up has fewer different ones. */
const LEAST_BITS = 48;

export const tokenFactsIn = (files: ReadonlyMap<string, Buffer>): TokenFacts[] =>
  [...files].flatMap(([caller, content]) => {
    const read = readCallerFile(content);
    if ('fault' in read) return [];
    return read.records.map((record): TokenFacts => {
      const weakness = record.plain === undefined ? undefined : weaknessOf(record.plain);
      const { expiresAtMs } = record;
      return {
        caller,
        id: tokenId(record),
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
        ...(weakness === undefined ? {} : { weakness }),
      };
    });
  });

function weaknessOf(token: string): string | undefined {
  const made = madeHere(token);
  if (made) return made.isWhole ? undefined : 'begins with kmcp_, but is cut or mistyped';
  if (token.length < LEAST_CHARS) return `has fewer than ${LEAST_CHARS} characters`;
  const bits = token.length * Math.log2(new Set(token).size);
  return bits < LEAST_BITS ? 'has few different characters' : undefined;
}
