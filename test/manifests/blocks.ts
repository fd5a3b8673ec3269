import { parse } from 'yaml';

/** YAML blocks of a page that hold this line, parsed. */
export const blocksOf = (page: string, line: string): unknown[] =>
  [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
    .map((each) => each[1] ?? '')
    .filter((text) => text.split('\n').includes(line))
    .map((text) => parse(text) as unknown);
