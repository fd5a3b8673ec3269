/* What the files of the supervisor share. */
#ifndef SUPERVISE_H
#define SUPERVISE_H
#include <stddef.h>
#include <sys/types.h>

enum {
  WORD_BYTES = 33, /* an epoch or an id, [a-z0-9]{1,32}, and its end */
  SESSIONS = 1024,
  DEEPEST = 200, /* directories that are removed, one in the other */
};

struct session {
  pid_t keeper; /* the process that holds it, 0 when there is none */
  char epoch[WORD_BYTES], id[WORD_BYTES];
  long long since_ms;
  int asked;  /* its end was asked for */
  int ended;  /* and that is still to be said */
};

/* What a keeper leaves; in memory that it shares with the supervisor. */
struct outcome {
  int status; /* as waitpid gives it */
  int ran;
};

struct place {
  int run; /* the run directory, held open */
  const char *path;
  int status;  /* pipe to the sidecar */
  int signals; /* signalfd of all that the supervisor and its keepers listen to */
  pid_t supervisor;
};

/* Signals from the supervisor to a keeper. */
#define ASK_RUN SIGHUP   /* the sidecar has opened the pipes */
#define ASK_STOP SIGUSR1 /* its stdin is closed: wait, TERM, KILL */
#define ASK_TERM SIGTERM
#define ASK_KILL SIGUSR2

_Noreturn void keep_session(const struct place *place, const struct session *session, struct outcome *outcome,
                            char *const command[], char *environment);

/* Signals every process below this one, in whatever group or session it has put itself; but no keeper, nor what is below one. */
void signal_descendants(const struct session but[], int signal);
/* Memory that they share with nobody. */
long long private_bytes(void);

enum { LOG_MS = 1000 };
struct relay {
  int from, copy, log_stands;
  const char *id;
  size_t used;
  char line[3900]; /* with its mark less than PIPE_BUF, so that lines of two sessions never mix */
};
/* To the container's log. @returns 0 when nobody takes it away */
int write_log(const char *text, size_t length, int wait_ms);
/* Reads what is there. @returns 0 at the end of the stream */
int relay_lines(struct relay *relay);

int make_pipe(int directory, const char *name);
void empty_directory(int directory);
void remove_tree(int directory, const char *name, int depth);

long long now_ms(void);
/* Writes one line to the sidecar, whole or not at all. @returns 0 when it would have to wait */
int say(const struct place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
