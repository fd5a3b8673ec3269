/* Pipes, directories and lines to the sidecar. */
#define _GNU_SOURCE
#include "supervise.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The sidecar has another uid and need not share a group: the mode lets both in. No chmod of the name: a server that has
 * given up the supervisor's uid could have put a link to another file there. */
int make_pipe(int directory, const char *name) {
  mode_t mask = umask(0);
  int made = mkfifoat(directory, name, 0666);
  umask(mask);
  return made;
}

/* Takes the descriptor. */
static void remove_entries(int opened, int depth) {
  DIR *entries = opened < 0 ? NULL : fdopendir(opened);
  if (!entries) {
    close(opened);
    return;
  }
  for (struct dirent *entry; (entry = readdir(entries));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) remove_tree(opened, entry->d_name, depth - 1);
  closedir(entries);
}

void empty_directory(int directory) { remove_entries(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), DEEPEST); }

void remove_tree(int directory, const char *name, int depth) {
  if (unlinkat(directory, name, 0) == 0 || errno == ENOENT || depth == 0) return;
  /* Module caches are read-only. */
  (void)!fchmodat(directory, name, 0700, AT_SYMLINK_NOFOLLOW);
  remove_entries(openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), depth);
  unlinkat(directory, name, AT_REMOVEDIR);
}

int say(const struct place *place, const char *format, ...) {
  /* Begins a line of its own, whatever half of one a server has written there. */
  char line[256] = "\n";
  va_list values;
  va_start(values, format);
  int length = 1 + vsnprintf(line + 1, sizeof line - 1, format, values);
  va_end(values);
  return write(place->status, line, length) == length;
}

long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
