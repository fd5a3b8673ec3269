/** A steady load of modern tools/call, each of which takes its time: what a rolling restart must not cut. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CONNECTION_MODES, sendCall } from './send-call.ts';
import type { CallOptions, ConnectionMode, Outcome } from './send-call.ts';

export interface LoadOptions extends CallOptions {
  perSecond: number;
  seconds: number;
  /** Ends the load before its time: calls that are under way are waited for. */
  signal?: AbortSignal;
}

export interface LoadSummary extends Record<Outcome, number> {
  mode: ConnectionMode;
  calls: number;
  p50Ms: number;
  maxMs: number;
  /** The first few, with the time at which their call was sent. */
  faults: string[];
}

const USAGE = `Usage: node test/load/modern-load.ts URL [--seconds 30] [--per-second 20] [--sleep-ms 2000]
  [--connections ${CONNECTION_MODES.join('|')}] [--token TOKEN | --token-file FILE]
Prints one line of JSON; exit 1 when a call was cut, refused or answered with an error.`;
const FAULTS_KEPT = 20;

/** Calls are sent on time whether or not earlier ones were answered. */
export async function runLoad(options: LoadOptions): Promise<LoadSummary> {
  const total = Math.round(options.perSecond * options.seconds);
  const count: Record<Outcome, number> = { ok: 0, cut: 0, refused: 0, other: 0 };
  const latencies: number[] = [];
  const faults: string[] = [];
  const from = performance.now();
  const calls = Array.from({ length: total }, async (_, index) => {
    const dueMs = (index * 1000) / options.perSecond;
    const { signal } = options;
    await sleep(Math.max(0, dueMs - (performance.now() - from)), undefined, { signal }).catch(
      () => undefined,
    );
    if (signal?.aborted) return;
    const sent = performance.now();
    const at = new Date().toISOString();
    const { outcome, fault } = await sendCall(index + 1, options);
    count[outcome] += 1;
    if (fault && faults.length < FAULTS_KEPT) {
      faults.push(`${at} +${Math.round(performance.now() - sent)} ms ${outcome} ${fault}`);
    }
    latencies.push(performance.now() - sent);
  });
  await Promise.all(calls);
  const sorted = latencies.toSorted((one, other) => one - other);
  const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  return { mode: options.mode, calls: sorted.length, ...count, p50Ms: at(0.5), maxMs: at(1), faults };
}

export const isClean = ({ cut, refused, other }: LoadSummary): boolean => cut + refused + other === 0;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '30' },
      'per-second': { type: 'string', default: '20' },
      'sleep-ms': { type: 'string', default: '2000' },
      connections: { type: 'string', default: 'fetch' },
      token: { type: 'string' },
      'token-file': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [url] = positionals;
  const mode = CONNECTION_MODES.find((each) => each === values.connections);
  if (values.help || !url || !mode) {
    console.error(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const file = values['token-file'];
  const token = file ? readFileSync(file, 'utf8').trim() : values.token;
  const sleepMs = Number(values['sleep-ms']);
  const summary = await runLoad({
    url,
    mode,
    sleepMs,
    timeoutMs: sleepMs + 30_000,
    perSecond: Number(values['per-second']),
    seconds: Number(values.seconds),
    ...(token && { token }),
  });
  console.log(JSON.stringify(summary));
  process.exitCode = isClean(summary) ? 0 : 1;
}

if (import.meta.main) await main();
