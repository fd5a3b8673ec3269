/* The processes below another. A keeper adopts what its session leaves behind, so none gets out of this tree. */
#include "supervise.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 8192 };
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

/* The kernel's own list of children depends on CONFIG_PROC_CHILDREN, and is kept by thread. */
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

/* Marks what is below `of`, or below those of its children that `is_first` takes. */
static size_t mark(pid_t of, const struct session sessions[]) {
  size_t count = list();
  for (int more = 1; more;) {
    more = 0;
    for (size_t each = 0; each < count; each++) {
      struct process *process = &processes[each];
      int below = process->parent == of;
      for (int at = 0; below && sessions && at < SESSIONS; at++)
        if (sessions[at].keeper == process->id) below = 0;
      for (size_t other = 0; !below && other < count; other++)
        below = processes[other].below && processes[other].id == process->parent;
      if (below && !process->below) more = process->below = 1;
    }
  }
  return count;
}

static void signal_marked(size_t count, int signal) {
  for (size_t each = 0; each < count; each++)
    if (processes[each].below) kill(processes[each].id, signal);
}

void signal_descendants(pid_t of, int signal) { signal_marked(mark(of, NULL), signal); }

void signal_strays(const struct session sessions[], int signal) { signal_marked(mark(getpid(), sessions), signal); }

long long private_bytes_below(pid_t of) {
  long long pages = 0;
  for (size_t count = mark(of, NULL), each = 0; each < count; each++) {
    char text[128];
    long long resident = 0, shared = 0;
    if (processes[each].below && read_file(processes[each].id, "statm", text, sizeof text) &&
        sscanf(text, "%*d %lld %lld", &resident, &shared) == 2)
      pages += resident - shared;
  }
  return pages * sysconf(_SC_PAGESIZE);
}
