import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { test } from 'node:test';
import type { Exchange } from '../../sidecar/exchange.ts';
import { createMetrics } from '../../sidecar/metrics.ts';
import { readPrometheusText, type Sample } from './prometheus-text.ts';

const exchange = (method: string, outcome: Exchange['outcome'], serverName = 'a') =>
  ({
    server: { name: serverName },
    message: { method },
    head: { method: 'POST' },
    startedAtMs: 0,
    outcome,
  }) as unknown as Exchange;
const find = (samples: readonly Sample[], name: string, labels: Record<string, string>) =>
  samples.find(
    (each) =>
      each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  )?.value;

test('metrics are of the Prometheus text format, with any name of a server', () => {
  let nowMs = 0;
  const metrics = createMetrics(() => nowMs);
  const serverName = 'a"b\\c\nd{}';
  for (const ms of [0.5, 1, 3, 700, 120_000]) {
    nowMs = ms;
    metrics.pass.ended?.(exchange('tools/call', 'success', serverName));
  }
  metrics.pass.ended?.(exchange('tools/call', 'denied', serverName));
  const samples = readPrometheusText(
    metrics.render([
      {
        name: 'kubectl_mcp_x',
        help: 'X.',
        values: [{ value: 1 }, { labels: { server: serverName }, value: 0 }],
      },
    ]),
  );
  const labels = { server: serverName, method: 'tools/call' };
  assert.equal(find(samples, 'kubectl_mcp_requests_total', { ...labels, outcome: 'success' }), 5);
  assert.equal(find(samples, 'kubectl_mcp_requests_total', { ...labels, outcome: 'denied' }), 1);
  const bucket = (le: string) =>
    find(samples, 'kubectl_mcp_request_duration_seconds_bucket', { ...labels, le });
  assert.deepEqual(['0.001', '0.005', '0.5', '1', '60', '+Inf'].map(bucket), [2, 3, 3, 4, 4, 6]);
  assert.equal(find(samples, 'kubectl_mcp_request_duration_seconds_sum', labels), 240.7045);
  assert.equal(find(samples, 'kubectl_mcp_x', { server: serverName }), 0);
});

test('metrics are of the format before anything has happened', () => {
  assert.deepEqual(readPrometheusText(createMetrics().render([])), []);
});

test('a client cannot make series: methods that the specification does not know share one', () => {
  const metrics = createMetrics();
  for (let each = 0; each < 1_000; each++) metrics.pass.ended?.(exchange(`x/${each}`, 'failure'));
  const samples = readPrometheusText(metrics.render([]));
  assert.equal(find(samples, 'kubectl_mcp_requests_total', { method: 'other' }), 1_000);
  assert.ok(samples.length < 20);
});

const withoutMessage = (method: string) =>
  ({ ...exchange('', 'failure'), message: undefined, head: { method } }) as unknown as Exchange;

test('nor with methods of HTTP: what is neither POST, GET nor DELETE shares one', () => {
  const metrics = createMetrics();
  for (const method of METHODS) metrics.pass.ended?.(withoutMessage(method));
  const samples = readPrometheusText(metrics.render([]));
  const series = samples.filter(({ name }) => name === 'kubectl_mcp_requests_total');
  assert.deepEqual(series.map(({ labels }) => labels['method']).toSorted(), [
    'DELETE',
    'GET',
    'POST',
    'other',
  ]);
});
