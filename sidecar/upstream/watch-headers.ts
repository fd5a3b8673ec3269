import { type HttpUpstream } from '../config.ts';
import { sourceInWords } from '../mounts.ts';
import type { Log } from '../log.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import { readHeaders } from './read-headers.ts';

export interface WatchedHeaders {
  /** Each ended by CRLF; undefined as long as there has been no good version: then nothing is sent to the server. */
  lines(): string | undefined;
  /** For the owner of the pod. */
  problem(): string | undefined;
  close(): void;
}

type Watched = Pick<HttpUpstream, 'forwardHeaders' | 'token'> & Required<Pick<HttpUpstream, 'headers'>>;

/** Follows the headers that the server is sent besides. A version with a fault changes nothing. */
export async function watchHeaders(
  { headers: { source, directory }, forwardHeaders, token }: Watched,
  log: Log,
): Promise<WatchedHeaders> {
  let lines: string | undefined;
  let faults: readonly string[] = [];

  function take(reading: DirectoryReading): void {
    const read =
      'problem' in reading
        ? { faults: [reading.problem] }
        : readHeaders(reading.files, forwardHeaders, token !== undefined);
    if ('faults' in read) {
      faults = read.faults;
      log('upstream_headers_refused', { source, faults });
    } else {
      faults = [];
      lines = read.lines;
      log('upstream_headers_loaded', { source, headers: lines.split('\r\n').length - 1 });
    }
  }

  const watched = await watchDirectory(directory, take);
  return {
    lines: () => lines,
    problem() {
      if (faults.length === 0) return undefined;
      const meanwhile = lines === undefined ? 'nothing is sent to the server' : 'those before are still sent';
      return `${sourceInWords(source)}: ${faults.join('; ')} (${meanwhile})`;
    },
    close: () => watched.close(),
  };
}
