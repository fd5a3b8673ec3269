/* The keeper of one session: starts the server's process, adopts and reaps whatever comes of it, and ends it all. */
#define _GNU_SOURCE
#include "supervise.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the order in which a session goes through them. */
enum stage { WAITING, RUNNING, STOPPING, ENDING, KILLING };
/* How long each may take; RUNNING has no end. */
static const long long LIMIT_MS[] = {10000, 0, 2000, 3000, 5000};
enum { KILL_AGAIN_MS = 50, LEFT_BEHIND_MS = 500 };

static const char *const DIRECTORIES[] = {"home", "tmp", "run"};
static const char *const VARIABLES[][2] = {
  {"HOME", "home"},
  {"TMPDIR", "tmp"},
  {"XDG_CACHE_HOME", "home/.cache"},
  {"XDG_CONFIG_HOME", "home/.config"},
  {"XDG_DATA_HOME", "home/.local/share"},
  {"XDG_STATE_HOME", "home/.local/state"},
  {"XDG_RUNTIME_DIR", "run"},
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct kept {
  enum stage stage;
  long long deadline, measure_at;
  pid_t server;
  int directory;
  int in, out, errors; /* ends of the server's pipes; `errors` is what it writes its stderr to */
  long long bytes;
  const char *unsaid; /* word to the sidecar, which other writers of that pipe may hold up */
};

static void go_to(struct kept *kept, enum stage stage) {
  kept->stage = stage;
  kept->deadline = stage == RUNNING ? 0 : now_ms() + LIMIT_MS[stage];
}

/* The values are percent-encoded, so that they hold neither a space nor the end of the line. */
static void set_variable(char *assignment) {
  char *to = assignment;
  for (char *from = assignment; *from; from++) {
    if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
      *to++ = (char)strtoul((char[]){from[1], from[2], 0}, NULL, 16);
      from += 2;
    } else *to++ = *from;
  }
  *to = 0;
  char *value = strchr(assignment, '=');
  if (!value) return;
  *value = 0;
  setenv(assignment, value + 1, 1);
}

static void set_environment(const struct place *place, const char *id, char *environment) {
  for (size_t each = 0; each < COUNT(VARIABLES); each++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", place->path, id, VARIABLES[each][1]);
    setenv(VARIABLES[each][0], path, 1);
  }
  for (char *rest = environment, *next; (next = strtok_r(rest, " ", &rest));) set_variable(next);
}

/* @returns whether all of it is there */
static int fill_directory(const struct place *place, const char *id, struct kept *kept, struct relay *relay) {
  int directory = kept->directory = openat(place->run, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0 || fchmod(directory, 0755) != 0) return 0;
  for (size_t each = 0; each < COUNT(DIRECTORIES); each++)
    if (mkdirat(directory, DIRECTORIES[each], 0700) != 0) return 0;
  if (make_pipe(directory, "in") || make_pipe(directory, "out") || make_pipe(directory, "err")) return 0;
  /* Open both ways: that the sidecar is away is no error, and what it cannot take is left out. */
  relay->copy = openat(directory, "err", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  kept->in = openat(directory, "in", O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  return relay->copy >= 0 && kept->in >= 0;
}

_Noreturn static void become_server(struct kept *kept, char *const command[]) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  setsid();
  dup2(kept->in, STDIN_FILENO);
  dup2(kept->out, STDOUT_FILENO);
  dup2(kept->errors, STDERR_FILENO);
  execvp(command[0], command);
  int error = errno;
  fprintf(stderr, "supervise: cannot start %s: %s\n", command[0], strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

/* The sidecar has opened `in` before, so that the server's first read does not find the end of it. */
static void run(struct kept *kept, char *const command[]) {
  kept->out = openat(kept->directory, "out", O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (kept->out < 0) return go_to(kept, KILLING);
  fcntl(kept->in, F_SETFL, 0);
  fcntl(kept->out, F_SETFL, 0);
  kept->server = fork();
  if (kept->server == 0) become_server(kept, command);
  if (kept->server < 0) return go_to(kept, KILLING);
  /* What the keeper held open, the end of the server would not close. */
  close(kept->in);
  close(kept->out);
  close(kept->errors);
  kept->measure_at = now_ms() + 1000;
  go_to(kept, RUNNING);
}

static void send_signal(const struct kept *kept, int signal) {
  if (kept->server > 0) kill(-kept->server, signal);
  signal_descendants(NULL, signal);
}

static void next_stage(struct kept *kept) {
  if (kept->stage == WAITING) return go_to(kept, KILLING);
  if (kept->stage == STOPPING) {
    if (kept->server > 0) kill(-kept->server, SIGTERM);
    go_to(kept, ENDING);
  } else go_to(kept, KILLING);
}

static void take_signals(const struct place *place, struct kept *kept, char *const command[]) {
  struct signalfd_siginfo taken;
  while (read(place->signals, &taken, sizeof taken) == sizeof taken) {
    int asked = taken.ssi_signo;
    if (asked == ASK_RUN && kept->stage == WAITING) run(kept, command);
    else if (asked == ASK_KILL || (kept->stage == WAITING && (asked == ASK_STOP || asked == ASK_TERM))) go_to(kept, KILLING);
    else if (asked == ASK_STOP && kept->stage == RUNNING) go_to(kept, STOPPING);
    else if (asked == ASK_TERM && kept->stage < ENDING) {
      kept->stage = STOPPING;
      next_stage(kept);
    }
  }
}

/* @returns 0 when no process is left */
static int reap(struct kept *kept, struct outcome *outcome) {
  int status;
  pid_t ended;
  while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
    if (ended != kept->server) continue;
    kept->server = 0;
    outcome->status = status;
    if (kept->stage == KILLING) continue;
    /* What it leaves behind has a moment to end by itself. */
    signal_descendants(NULL, SIGTERM);
    go_to(kept, ENDING);
    kept->deadline = now_ms() + LEFT_BEHIND_MS;
  }
  return ended == 0 || kept->stage == WAITING;
}

static void measure(const struct place *place, const struct session *session, struct kept *kept) {
  long long bytes = private_bytes();
  long long change = bytes > kept->bytes ? bytes - kept->bytes : kept->bytes - bytes;
  if (change > kept->bytes / 8 && say(place, "size %s %s %lld\n", session->epoch, session->id, bytes)) kept->bytes = bytes;
  kept->measure_at = now_ms() + 15000;
}

_Noreturn void keep_session(const struct place *place, const struct session *session, struct outcome *outcome,
                            char *const command[], char *environment) {
  struct kept kept = {0};
  struct relay relay = {.id = session->id};
  int errors[2], left, made = 0;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, ASK_KILL);
  set_environment(place, session->id, environment);
  if (pipe2(errors, O_CLOEXEC) != 0 || !(made = mkdirat(place->run, session->id, 0755) == 0) ||
      !fill_directory(place, session->id, &kept, &relay)) {
    fprintf(stderr, "supervise: cannot make %s/%s: %s\n", place->path, session->id, strerror(errno));
    close(errors[0]); /* under a limit of descriptors, removing takes one */
    if (made) remove_tree(place->run, session->id, DEEPEST);
    _exit(0);
  }
  fcntl(errors[0], F_SETFL, O_NONBLOCK);
  relay.from = errors[0];
  kept.errors = errors[1];
  go_to(&kept, WAITING);
  kept.unsaid = "made";
  if (getppid() != place->supervisor) go_to(&kept, KILLING);

  while ((left = reap(&kept, outcome))) {
    long long now = now_ms();
    if (kept.deadline && now >= kept.deadline) {
      if (kept.stage == KILLING) break; /* the supervisor tries on; the container's end ends what is of another user */
      next_stage(&kept);
    }
    if (kept.stage == KILLING) send_signal(&kept, SIGKILL);
    if (kept.stage == RUNNING && now >= kept.measure_at) measure(place, session, &kept);
    long long until = kept.stage == RUNNING ? kept.measure_at : kept.deadline;
    int wait_ms = kept.stage == KILLING ? KILL_AGAIN_MS : until > now ? (int)(until - now) : 0;
    if (kept.unsaid && say(place, "%s %s %s\n", kept.unsaid, session->epoch, session->id)) kept.unsaid = NULL;
    struct pollfd ready[] = {{place->signals, POLLIN, 0}, {relay.from, POLLIN, 0}, {kept.unsaid ? place->status : -1, POLLOUT, 0}};
    if (poll(ready, 3, wait_ms) <= 0) continue;
    if (ready[1].revents && !relay_lines(&relay)) {
      close(relay.from);
      relay.from = -1;
    }
    if (ready[0].revents) {
      enum stage before = kept.stage;
      take_signals(place, &kept, command);
      if (before == WAITING && kept.server > 0) {
        outcome->ran = 1;
        kept.unsaid = "started";
      }
    }
  }
  for (int some = 16; relay.from >= 0 && some > 0 && relay_lines(&relay); some--) {
    struct pollfd rest = {relay.from, POLLIN, 0};
    if (poll(&rest, 1, 0) <= 0) break;
  }
  remove_tree(place->run, session->id, DEEPEST);
  _exit(left);
}
