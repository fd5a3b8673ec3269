/** HTML, section 9.2.6, over a whole text at once: what a client understands of an event stream. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
  /** The last id that was given, up to and with this event. */
  readonly lastEventId: string;
}

export function readEventStream(bytes: Buffer): StreamEvent[] {
  // The decoder takes one byte order mark away, as the algorithm says.
  const lines = new TextDecoder('utf-8').decode(bytes).split(/\r\n|\n|\r/);
  // What no line end ends is not a line.
  lines.pop();
  const events: StreamEvent[] = [];
  let [event, lastEventId] = ['', ''];
  let data: string[] = [];
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n'), lastEventId });
      event = '';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) lastEventId = value;
  }
  return events;
}
