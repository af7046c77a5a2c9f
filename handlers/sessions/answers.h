/*
 * Generations as an administrator's commands meet them: what they say on their
 * sockets, and their processes.  A process is known for certain by what it
 * says; one that says nothing is found in /proc, by its arguments and its user.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Reads what a generation has sent, without waiting, and calls `take' for each
 * whole line until that returns false; the beginning of the next line stays in
 * `in'.  Returns false when it is gone.  Without memory the program ends.
 */
bool answers_hear(int fd, struct buf *in, bool (*take)(void *,
    const char *line, size_t len), void *context);

/*
 * From answers_ask_who on the kernel tells with each line of a generation whose
 * it is.  answers_who reads what has come; once it returns true, *process is a
 * pidfd of the process that speaks there, or -1: it is gone.
 */
int answers_ask_who(int fd);
bool answers_who(int fd, int *process);

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
