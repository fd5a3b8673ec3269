/** Prometheus' text format, as far as counters and histograms of one scrape are compared with those of another. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
export type Labels = Readonly<Record<string, string>>;

export function samplesIn(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((each) => [each[1]!, each[2]!]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** Sum over all series with these labels. */
export const total = (samples: readonly Sample[], name: string, labels: Labels = {}): number =>
  matching(samples, name, labels).reduce((sum, each) => sum + each.value, 0);

/** What came between two scrapes: upper bounds in seconds and how many were not longer. */
export type Histogram = readonly { le: number; count: number }[];

export function grownHistogram(
  before: readonly Sample[],
  after: readonly Sample[],
  name: string,
  labels: Labels = {},
): Histogram {
  const bounds = new Set(matching(after, `${name}_bucket`, labels).map((each) => each.labels['le']!));
  return [...bounds]
    .map((le) => {
      const of = { ...labels, le };
      return {
        le: le === '+Inf' ? Infinity : Number(le),
        count: total(after, `${name}_bucket`, of) - total(before, `${name}_bucket`, of),
      };
    })
    .toSorted((a, b) => a.le - b.le);
}

/** As Prometheus' histogram_quantile: evenly spread within a bucket. NaN of nothing. */
export function quantile(histogram: Histogram, q: number): number {
  const all = histogram.at(-1)?.count ?? 0;
  if (all === 0) return NaN;
  const rank = q * all;
  const index = histogram.findIndex((each) => each.count >= rank);
  const bucket = histogram[index]!;
  const below = histogram[index - 1] ?? { le: 0, count: 0 };
  if (bucket.le === Infinity) return below.le;
  const share = bucket.count === below.count ? 1 : (rank - below.count) / (bucket.count - below.count);
  return below.le + (bucket.le - below.le) * share;
}

const matching = (samples: readonly Sample[], name: string, labels: Labels): Sample[] =>
  samples.filter(
    (each) =>
      each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  );
