/* A session's stderr: to the container's log with the session's mark, and to the sidecar. */
#include "supervise.h"
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void pass_line(struct relay *relay) {
  char out[sizeof relay->line + WORD_BYTES + 8];
  int mark = snprintf(out, sizeof out, "[%s] ", relay->id);
  memcpy(out + mark, relay->line, relay->used);
  /* A carriage return or an escape could write over the mark. */
  for (size_t at = mark; at < mark + relay->used; at++)
    if (iscntrl((unsigned char)out[at]) && out[at] != '\t') out[at] = '?';
  size_t length = mark + relay->used;
  out[length++] = '\n';
  relay->used = 0;
  /* A log that nobody takes away holds up no stop. */
  struct pollfd log = {STDERR_FILENO, POLLOUT, 0};
  if (poll(&log, 1, 1000) == 1 && write(STDERR_FILENO, out, length) < 0) return;
  if (write(relay->copy, out + mark, length - mark) < 0) return;
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
