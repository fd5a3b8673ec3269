/* supervise [--run DIRECTORY] -- COMMAND [ARGUMENT]…
 * Runs COMMAND once for each session that the sidecar asks for through the pipe `control`, and answers through `status`.
 * Words to it: reset EPOCH; start EPOCH ID [NAME=VALUE]…; run, stop, kill EPOCH ID.
 * Words from it: ready EPOCH BYTES; made, started, refused EPOCH ID; size EPOCH ID BYTES; exited EPOCH ID code|signal|lost N.
 * An epoch is one connection of the sidecar's: what comes from another one is void. */
#define _GNU_SOURCE
#include "supervise.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 65536, FAILURES = 5, PROVEN_MS = 10000, PURGES = 40, PURGE_MS = 25 };

static struct session sessions[SESSIONS];
static struct outcome *outcomes;
static struct place place = {.path = "/run/kubectl-mcp"};
static char *const *command;
static char epoch[WORD_BYTES];
static int control, unsaid_ready, ending, exit_code, failures, proven, purges;

_Noreturn static void fail(const char *what) {
  fprintf(stderr, "supervise: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int is_word(const char *text) {
  size_t length = text ? strlen(text) : 0;
  return length > 0 && length < WORD_BYTES && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == length;
}

static void ask(struct session *session, int signal) {
  if (signal != ASK_RUN) session->asked = 1;
  kill(session->keeper, signal);
  /* Another session may have stopped it. */
  kill(session->keeper, SIGCONT);
}

static void ask_all(int signal, const char *but_epoch) {
  for (struct session *each = sessions; each < sessions + SESSIONS; each++)
    if (each->keeper && (!but_epoch || strcmp(each->epoch, but_epoch))) ask(each, signal);
}

/* The limit of this container, which the sidecar cannot see. */
static long long memory_limit(void) {
  long long bytes = 0;
  FILE *file = fopen("/sys/fs/cgroup/memory.max", "re");
  if (!file) file = fopen("/sys/fs/cgroup/memory/memory.limit_in_bytes", "re");
  if (file && fscanf(file, "%lld", &bytes) != 1) bytes = 0;
  if (file) fclose(file);
  return bytes;
}

static void start(const char *id, char *environment) {
  struct session *free_one = NULL;
  int taken = ending;
  for (struct session *each = sessions; each < sessions + SESSIONS; each++)
    if (!each->keeper && !each->ended) free_one = each;
    else if (!strcmp(each->id, id)) taken = 1;
  struct session made = {.since_ms = now_ms()};
  strcpy(made.epoch, epoch);
  strcpy(made.id, id);
  if (free_one && !taken) {
    struct outcome *outcome = &outcomes[free_one - sessions];
    *outcome = (struct outcome){0};
    if ((made.keeper = fork()) == 0) {
      close(control); /* without a supervisor nobody must read it */
      keep_session(&place, &made, outcome, command, environment);
    }
  }
  if (made.keeper > 0) *free_one = made;
  else say(&place, "refused %s %s\n", epoch, id);
}

static void obey(char *line) {
  char *rest = line, *verb = strtok_r(rest, " ", &rest), *of = strtok_r(rest, " ", &rest);
  if (!verb || !is_word(of)) return;
  if (!strcmp(verb, "reset")) {
    strcpy(epoch, of);
    ask_all(ASK_KILL, epoch);
    unsaid_ready = 1;
  }
  char *id = strtok_r(rest, " ", &rest);
  if (!is_word(id) || strcmp(of, epoch)) return;
  if (!strcmp(verb, "start")) return start(id, rest);
  int signal = !strcmp(verb, "run") ? ASK_RUN : !strcmp(verb, "stop") ? ASK_STOP : !strcmp(verb, "kill") ? ASK_KILL : 0;
  for (struct session *each = sessions; signal && each < sessions + SESSIONS; each++)
    if (each->keeper && !strcmp(each->id, id)) ask(each, signal);
}

static void open_control(void) {
  struct stat found;
  const int how = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
  int opened = openat(place.run, "control", how);
  if (opened >= 0 && (fstat(opened, &found) != 0 || !S_ISFIFO(found.st_mode))) {
    close(opened);
    opened = -1;
  }
  if (opened < 0) {
    remove_tree(place.run, "control", DEEPEST);
    if (make_pipe(place.run, "control") != 0 || (opened = openat(place.run, "control", how)) < 0) fail("cannot make the pipe control");
  }
  if (control > 0) close(control);
  control = opened;
}

static void read_control(void) {
  static char buffer[LINE_BYTES];
  static size_t used;
  static int overlong;
  ssize_t got = read(control, buffer + used, sizeof buffer - used);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) { /* the sidecar is gone, and with it every session's stdin */
    used = overlong = 0;
    epoch[0] = 0;
    ask_all(ASK_STOP, NULL);
    return open_control();
  }
  used += got;
  char *line = buffer;
  for (char *end; (end = memchr(line, '\n', buffer + used - line)); line = end + 1) {
    *end = 0;
    if (!overlong) obey(line);
    overlong = 0;
  }
  used -= line - buffer;
  memmove(buffer, line, used);
  if (used == sizeof buffer) overlong = 1, used = 0;
}

/* Of a command that has never run for long, every failure counts: one that clients have used is not ended by them. */
static void judge(const struct session *session, int ran, int status) {
  if (now_ms() - session->since_ms >= PROVEN_MS || (session->asked && !(WIFEXITED(status) && status))) proven |= ran;
  else if (status && ran && !session->asked) failures++;
  if (proven || failures < FAILURES || ending) return;
  exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  char said[512];
  snprintf(said, sizeof said, "supervise: %.400s ended %d times within %d s of its start, at last with %s %d\n", command[0], failures,
           PROVEN_MS / 1000, WIFEXITED(status) ? "code" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  size_t length = strlen(said);
  int message = open("/dev/termination-log", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  (void)!write(message, said, length);
  close(message);
  write_log(said, length, LOG_MS);
  ending = 1;
  ask_all(ASK_KILL, NULL);
}

static void reap(void) {
  int how;
  for (pid_t ended; (ended = waitpid(-1, &how, WNOHANG)) > 0;)
    for (struct session *each = sessions; each < sessions + SESSIONS; each++) {
      if (each->keeper != ended) continue;
      struct outcome *outcome = &outcomes[each - sessions];
      each->keeper = 0;
      each->ended = 1;
      if (how) purges = PURGES; /* what it has not ended is adopted now */
      if (WIFSIGNALED(how)) {   /* by another process of the server's */
        outcome->status = SIGKILL;
        remove_tree(place.run, each->id, DEEPEST);
      }
      judge(each, outcome->ran, outcome->status);
    }
}

/* Nothing of it is lost while the sidecar does not read. */
static void report(void) {
  if (unsaid_ready && say(&place, "ready %s %lld\n", epoch, memory_limit())) unsaid_ready = 0;
  for (struct session *each = sessions; each < sessions + SESSIONS; each++) {
    if (!each->ended) continue;
    const struct outcome *outcome = &outcomes[each - sessions];
    int signaled = WIFSIGNALED(outcome->status);
    if (say(&place, "exited %s %s %s %d\n", each->epoch, each->id, !outcome->ran ? "lost" : signaled ? "signal" : "code",
            signaled ? WTERMSIG(outcome->status) : WEXITSTATUS(outcome->status)))
      each->ended = 0;
  }
}

static int any(int ended) {
  for (int each = 0; each < SESSIONS; each++)
    if (ended ? sessions[each].ended : sessions[each].keeper) return 1;
  return 0;
}

static void take_signals(void) {
  struct signalfd_siginfo taken;
  while (read(place.signals, &taken, sizeof taken) == sizeof taken)
    if (taken.ssi_signo == SIGTERM || taken.ssi_signo == SIGINT) {
      ending = 1;
      ask_all(ASK_TERM, NULL);
    }
}

static void prepare(void) {
  place.supervisor = getpid();
  /* The server has the same uid: it reaches neither memory nor descriptors of ours, the container's log among them. */
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  signal(SIGPIPE, SIG_IGN);
  sigset_t listened;
  sigemptyset(&listened);
  const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
  for (size_t each = 0; each < sizeof signals / sizeof *signals; each++) sigaddset(&listened, signals[each]);
  sigprocmask(SIG_BLOCK, &listened, NULL);
  place.signals = signalfd(-1, &listened, SFD_NONBLOCK | SFD_CLOEXEC);
  outcomes = mmap(NULL, SESSIONS * sizeof *outcomes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  place.run = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (place.run < 0 || place.signals < 0 || outcomes == MAP_FAILED) fail(place.path);
  /* Of an earlier supervisor: its processes are gone. */
  empty_directory(place.run);
  if (make_pipe(place.run, "status") != 0) fail("cannot make the pipe status");
  /* Open both ways: the sidecar may come later, and it sees the end when the last process of this container is gone. */
  place.status = openat(place.run, "status", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (place.status < 0) fail("cannot open the pipe status");
  open_control();
}

int main(int argc, char *argv[]) {
  int at = 1;
  if (argc > at + 1 && !strcmp(argv[at], "--run")) {
    place.path = argv[at + 1];
    at += 2;
  }
  if (argc < at + 2 || strcmp(argv[at], "--")) {
    fprintf(stderr, "usage: supervise [--run DIRECTORY] -- COMMAND [ARGUMENT]...\n");
    return 2;
  }
  command = argv + at + 1;
  prepare();
  while (!ending || any(0)) {
    int unsaid = unsaid_ready || any(1);
    struct pollfd ready[] = {{place.signals, POLLIN, 0}, {control, POLLIN, 0}, {place.status, unsaid ? POLLOUT : 0, 0}};
    poll(ready, 3, purges > 0 ? PURGE_MS : -1);
    if (ready[0].revents) take_signals();
    if (ready[1].revents) read_control();
    reap();
    if (purges > 0 && purges--) signal_descendants(sessions, SIGKILL);
    report();
  }
  return exit_code;
}
