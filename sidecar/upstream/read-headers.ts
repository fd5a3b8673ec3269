/** RFC 9110 section 5.6.2. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible ASCII, with spaces and tabs between: what every server reads alike. */
const VALUE = /^[!-~]+([ \t]+[!-~]+)*$/;
const MAX_VALUE_BYTES = 8 * 1024;
/** What servers take of headers in all is 8 to 16 KiB, and the client's own must have room. */
const MAX_BYTES = 8 * 1024;

/** They belong to the connection or to the framing of the message, and are the proxy's. */
const OF_THE_CONNECTION = new Set(
  (
    'host connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect content-length ' +
    'content-type content-encoding accept accept-encoding'
  ).split(' '),
);
/** They come from the client's request. */
const OF_THE_CLIENT = /^(mcp-.*|last-event-id|traceparent|tracestate|baggage)$/;

/**
 * The header lines of a directory with a file per header: the file's name is the header's, its content the value, less
 * the line end that editors leave. One fault and none is taken. Faults name headers and never show a value.
 * @param forwarded names whose values are the callers'
 * @param hasToken `Authorization` is made of a token for each request
 */
export function readHeaders(
  files: ReadonlyMap<string, Buffer>,
  forwarded: readonly string[] = [],
  hasToken = false,
): { readonly lines: string } | { readonly faults: string[] } {
  const faults: string[] = [];
  const names = new Set<string>();
  let lines = '';
  for (const [name, content] of [...files].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const value = content.toString('latin1').replace(/\r?\n$/, '');
    const key = name.toLowerCase();
    const fault = names.has(key)
      ? 'is there twice'
      : forwarded.includes(key)
        ? 'is in forward-headers too: it is the callers’'
        : hasToken && key === 'authorization'
          ? 'is given by upstream-token'
          : (faultOfName(name, key) ?? faultOfValue(value));
    names.add(key);
    if (fault) faults.push(`${JSON.stringify(name.slice(0, 80))} ${fault}`);
    lines += `${name}: ${value}\r\n`;
  }
  if (names.size === 0) faults.push('holds no file');
  if (faults.length === 0 && lines.length > MAX_BYTES) faults.push(`holds more than ${MAX_BYTES} bytes`);
  return faults.length > 0 ? { faults } : { lines };
}

function faultOfName(name: string, key: string): string | undefined {
  if (!NAME.test(name)) return 'is not a header name';
  if (OF_THE_CONNECTION.has(key)) return 'is a header of the connection, which is the proxy’s';
  if (OF_THE_CLIENT.test(key)) return 'is a header that clients send';
  return undefined;
}

function faultOfValue(value: string): string | undefined {
  if (value === '') return 'is empty';
  if (value.length > MAX_VALUE_BYTES) return `is longer than ${MAX_VALUE_BYTES} bytes`;
  return VALUE.test(value) ? undefined : 'holds more than one line, or characters that are not visible ASCII';
}
