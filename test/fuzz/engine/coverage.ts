import { Session } from 'node:inspector';

/** Which characters of some sources have run, from V8's block counters. */
export interface Coverage {
  /** Takes in what ran since the last call; the places that never had before, if there are any. */
  take(): News | undefined;
  /** Whether one of these places ran since the last call; takes those that did out of the list. */
  reached(news: News): boolean;
  /** Lines of functions, and those of them that hold something that ran. */
  lines(): { covered: number; total: number };
  stop(): void;
}

export type News = Map<string, readonly number[]>;

interface Report {
  result: {
    url: string;
    functions: {
      functionName: string;
      ranges: { startOffset: number; endOffset: number; count: number }[];
    }[];
  }[];
}

export function startCoverage(sources: readonly string[], textOf: (path: string) => string): Coverage {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const functionsOf = new Map<string, Uint8Array>(
    sources.map((path) => [path, new Uint8Array(textOf(path).length)]),
  );
  const seen = new Map(sources.map((path) => [path, new Uint8Array(textOf(path).length)]));

  /** What ran since the counters were last read: a byte per character. */
  const read = (): Map<string, Uint8Array> => {
    const ran = new Map<string, Uint8Array>();
    session.post('Profiler.takePreciseCoverage', (_, report) => {
      for (const { url, functions } of (report as unknown as Report).result) {
        const path = sources.find((each) => url.endsWith(`/${each}`));
        if (path === undefined) continue;
        ran.set(path, charactersOf(functions, seen.get(path)!.length));
        for (const { functionName, ranges } of functions)
          if (functionName !== '')
            functionsOf.get(path)!.fill(1, ranges[0]!.startOffset, ranges[0]!.endOffset);
      }
    });
    return ran;
  };

  return {
    take() {
      const news: News = new Map();
      for (const [path, ran] of read()) {
        const known = seen.get(path)!;
        const places: number[] = [];
        for (let at = 0; at < ran.length; at++)
          if (ran[at] && !known[at]) {
            known[at] = 1;
            places.push(at);
          }
        if (places.length > 0) news.set(path, places);
      }
      return news.size > 0 ? news : undefined;
    },
    reached(news) {
      const ran = read();
      let any = false;
      for (const [path, places] of news) {
        const left = places.filter((at) => !ran.get(path)?.[at]);
        any ||= left.length < places.length;
        news.set(path, left);
      }
      return any;
    },
    lines() {
      let [covered, total] = [0, 0];
      for (const [path, known] of seen) {
        let at = 0;
        for (const line of textOf(path).split('\n')) {
          const first = at + line.search(/\S/);
          if (/[a-z]/i.test(line) && !/^\s*(\*|\/[/*])/.test(line) && functionsOf.get(path)![first]) {
            total++;
            if (known[first]) covered++;
          }
          at += line.length + 1;
        }
      }
      return { covered, total };
    },
    stop() {
      session.post('Profiler.stopPreciseCoverage');
      session.disconnect();
    },
  };
}

/** Ranges are nested, the outer first; the innermost that holds a character says whether it ran. */
function charactersOf(functions: Report['result'][number]['functions'], length: number): Uint8Array {
  const ran = new Uint8Array(length);
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges)
      ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return ran;
}
