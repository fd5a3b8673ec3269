/** Reads the Prometheus text format 0.0.4, strictly. */
import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const HEADER = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,|$)/y;
const TYPES = ['counter', 'gauge', 'histogram'];

/** @throws {assert.AssertionError} on the first line that is not of the format */
export function readPrometheusText(text: string): Sample[] {
  assert.ok(text.endsWith('\n'), 'no line end at the end');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  let family = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const header = HEADER.exec(line);
    if (header) {
      const [, keyword, name = '', rest = ''] = header;
      if (keyword === 'HELP') assert.ok(!helps.has(name) && helps.add(name), `HELP twice: ${line}`);
      else {
        assert.ok(!types.has(name) && TYPES.includes(rest), line);
        types.set(name, rest);
        family = name;
      }
      continue;
    }
    const [, name = '', labelText = '', value = ''] =
      SAMPLE.exec(line) ?? assert.fail(`not a line of the format: ${line}`);
    assert.ok(
      name === family ||
        (types.get(family) === 'histogram' &&
          ['_bucket', '_sum', '_count'].some((suffix) => name === family + suffix)),
      `outside of its family: ${line}`,
    );
    if (types.get(family) === 'counter') assert.match(name, /_total$/);
    const labels = readLabels(labelText, line);
    const key = JSON.stringify([name, Object.entries(labels).toSorted()]);
    assert.ok(!seen.has(key) && seen.add(key), `the same series twice: ${line}`);
    assert.match(value, /^(\+Inf|-?\d+(\.\d+)?(e[-+]?\d+)?)$/, line);
    samples.push({ name, labels, value: value === '+Inf' ? Infinity : Number(value) });
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, samples);
  return samples;
}

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at;
    const [, name = '', value = ''] = LABEL.exec(text) ?? assert.fail(`labels: ${line}`);
    assert.ok(!(name in labels), `a label twice: ${line}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_, each: string) => (each === 'n' ? '\n' : each));
  }
  return labels;
}

/** Buckets grow, the last is `+Inf` and says what the count says. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = Map.groupBy(
    samples.filter((each) => each.name === `${name}_bucket`),
    ({ labels: { le: _, ...rest } }) => JSON.stringify(rest),
  );
  for (const [key, buckets] of series) {
    const bounds = buckets.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])));
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
    );
    assert.equal(bounds.at(-1), Infinity);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    );
    const count = samples.find(
      (each) => each.name === `${name}_count` && JSON.stringify(each.labels) === key,
    );
    assert.equal(count?.value, counts.at(-1), key);
  }
}
