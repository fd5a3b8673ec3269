/* A session's stderr: to the container's log with the session's mark, and to the sidecar. */
#include "supervise.h"
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int write_log(const char *text, size_t length, int wait_ms) {
  struct pollfd log = {STDERR_FILENO, POLLOUT, 0};
  return poll(&log, 1, wait_ms) == 1 && write(STDERR_FILENO, text, length) > 0;
}

static void pass_line(struct relay *relay) {
  char out[sizeof relay->line + WORD_BYTES + 8];
  int mark = snprintf(out, sizeof out, "[%s] ", relay->id);
  memcpy(out + mark, relay->line, relay->used);
  size_t length = mark + relay->used;
  /* A carriage return or an escape could write over the mark; U+0080 to U+009F are controls, too. */
  for (size_t at = mark; at < length; at++) {
    unsigned char byte = out[at];
    if ((iscntrl(byte) && byte != '\t') || (byte >= 0x80 && byte < 0xa0 && out[at - 1] == '\xc2')) out[at] = '?';
  }
  out[length++] = '\n';
  relay->used = 0;
  /* A log that nobody takes away holds up no stop: it is waited for once, not once for each line. */
  relay->log_stands = !write_log(out, length, relay->log_stands ? 0 : LOG_MS);
  (void)!write(relay->copy, out + mark, length - mark);
}

int relay_lines(struct relay *relay) {
  char bytes[4096];
  ssize_t got = read(relay->from, bytes, sizeof bytes);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
  for (ssize_t at = 0; at < got; at++) {
    if (bytes[at] != '\n') relay->line[relay->used++] = bytes[at];
    if (bytes[at] == '\n' || relay->used == sizeof relay->line) pass_line(relay);
  }
  if (got <= 0 && relay->used > 0) pass_line(relay);
  return got > 0;
}
