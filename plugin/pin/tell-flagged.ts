import { type Flagged, visible } from '../../sidecar/filter/hidden-characters.ts';
import { type Streams, writeLine } from '../streams.ts';

/** On stderr: what prints the tools goes on. */
export function tellFlagged(flagged: readonly Flagged[], { err }: Pick<Streams, 'err'>): void {
  for (const { tool, where, what } of flagged)
    writeLine(err, `Warning: tool ${JSON.stringify(visible(tool))}: ${where} ${what}`);
}
