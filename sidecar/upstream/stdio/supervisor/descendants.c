/* The processes below another. A keeper adopts what its session leaves behind, so none gets out of this tree. */
#include "supervise.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 32768 };
struct process {
  pid_t id, parent;
  int below;
};
static struct process processes[MOST];

static int read_file(pid_t id, const char *name, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", id, name);
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  size_t got = fread(text, 1, size - 1, file);
  text[got] = 0;
  fclose(file);
  return got > 0;
}

/* By id, as /proc gives them. The kernel's own list of children depends on CONFIG_PROC_CHILDREN, and is kept by thread. */
static size_t list(void) {
  size_t count = 0;
  DIR *proc = opendir("/proc");
  if (!proc) return 0;
  for (struct dirent *entry; count < MOST && (entry = readdir(proc));) {
    char text[512], *name_end;
    struct process found = {.id = atoi(entry->d_name)};
    if (found.id <= 0 || !read_file(found.id, "stat", text, sizeof text)) continue;
    /* A process may have named itself ") Z 1". */
    if ((name_end = strrchr(text, ')')) && sscanf(name_end, ") %*c %d", &found.parent) == 1)
      processes[count++] = found;
  }
  closedir(proc);
  return count;
}

static int by_id(const void *one, const void *other) {
  return ((const struct process *)one)->id - ((const struct process *)other)->id;
}

static int is_keeper(pid_t id, const struct session keepers[]) {
  for (int at = 0; keepers && at < SESSIONS; at++)
    if (keepers[at].keeper == id) return 1;
  return 0;
}

static size_t mark(const struct session but[]) {
  size_t count = list();
  for (int more = 1; more;) {
    more = 0;
    for (struct process *each = processes; each < processes + count; each++) {
      if (each->below) continue;
      if (each->parent == getpid()) each->below = !is_keeper(each->id, but);
      else {
        const struct process *parent = bsearch(&(struct process){.id = each->parent}, processes, count, sizeof *each, by_id);
        each->below = parent && parent->below;
      }
      more |= each->below;
    }
  }
  return count;
}

void signal_descendants(const struct session but[], int signal) {
  for (size_t count = mark(but), each = 0; each < count; each++)
    if (processes[each].below) kill(processes[each].id, signal);
}

long long private_bytes(void) {
  long long pages = 0;
  for (size_t count = mark(NULL), each = 0; each < count; each++) {
    char text[128];
    long long resident = 0, shared = 0;
    if (processes[each].below && read_file(processes[each].id, "statm", text, sizeof text) &&
        sscanf(text, "%*d %lld %lld", &resident, &shared) == 2)
      pages += resident - shared;
  }
  return pages * sysconf(_SC_PAGESIZE);
}
