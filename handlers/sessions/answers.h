/*
 * The processes of generations, found in /proc by their arguments and their
 * user: for whoever looks after one that does not answer.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct answers_process {
	pid_t	pid;
	int64_t	ticket, session;
	char	state;		/* as ps(1) tells it: T stopped, D in a disk */
};

/*
 * Calls `each' for each generation of a RUN_DIR, which belongs to its user,
 * until it returns false.  Where /proc does not show a process' environment,
 * its arguments and its user have to do.  Returns 0, or -1 with errno.
 */
int answers_each(const char *run_dir, bool (*each)(void *,
    const struct answers_process *), void *context);

/* Whether it is in a state in which it does nothing at all. */
bool answers_stands_still(const struct answers_process *);

/* Looks again at its state; true: it still is in such a one. */
bool answers_again(struct answers_process *);

/*
 * Sends it a signal, if it is still the same process: SIGTERM ends it with an
 * error frame, SIGKILL at once.  Returns 0, or -1 with errno.
 */
int answers_signal(const char *run_dir, const struct answers_process *,
    int sig);

#endif
