/** Reads a response from the parts that it comes in. */
import assert from 'node:assert/strict';
import { ResponseError, ResponseReader } from '../../../sidecar/upstream/http-response.ts';

/** What came of a response: comparable, and the same however the bytes were cut. */
export interface Outcome {
  status?: number;
  headers?: Record<string, string>;
  contentLength?: number | undefined;
  body: string;
  end?: { reusable: boolean };
  error?: string;
}

/** @param eof whether the connection ends after the last part */
export function readParts(parts: readonly Buffer[], eof = false): Outcome {
  const outcome: Outcome = { body: '' };
  const reader = new ResponseReader({
    head(head) {
      assert.equal(outcome.status, undefined, 'two heads');
      outcome.status = head.status;
      outcome.headers = Object.fromEntries(head.headers);
      outcome.contentLength = head.contentLength;
    },
    chunk(bytes) {
      assert.ok(outcome.status !== undefined && !outcome.end, 'a chunk outside the body');
      outcome.body += bytes.toString('latin1');
    },
    end(reusable) {
      assert.equal(outcome.end, undefined, 'two ends');
      outcome.end = { reusable };
    },
  });
  try {
    for (const part of parts) reader.push(part);
    if (eof) reader.eof();
  } catch (error) {
    assert.ok(error instanceof ResponseError, String(error));
    outcome.error = error.message;
  }
  assert.equal(reader.done, outcome.end !== undefined);
  return outcome;
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
export const read = (text: string, eof = false): Outcome => readParts([bytesOf(text)], eof);
