/*
 * Running another program for what it prints.
 */
#ifndef CHILD_H
#define CHILD_H

#include <poll.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Runs a program (found in PATH if its name has no slash) with stdin empty,
 * appends what it prints on stdout and stderr, as far as the buffer takes it,
 * and waits for its end, at most so long (-1: for ever).  Returns its exit
 * code, or -1 with errno (ENOENT: there is none; ETIMEDOUT; EINTR: a signal
 * ended it).
 */
int child_run(char *const argv[], char *const env[], int timeout_ms,
    struct buf *out);

/*
 * A program that runs beside us and is waited for by nobody: its descriptor is
 * polled like any other one.  The caller sets out.cap before child_start, which
 * sets everything else.
 */
struct child {
	int		fd;		/* what it prints comes here; -1: none
					   runs */
	int		pidfd;		/* of the process */
	int64_t		deadline;	/* clock_us: it must have ended */
	struct buf	out;		/* what it has printed until now */
};

enum child_progress {
	CHILD_MORE,	/* it runs; nothing to do until it prints something */
	CHILD_ENDED,	/* it has closed its stdout; all of it is in `out' */
	CHILD_LATE,	/* the deadline has passed */
	CHILD_BROKEN	/* errno tells: it printed too much, say */
};

/*
 * Starts a program, by its path, whose stdin are these bytes and whose stderr
 * is ours; it has no other descriptor of ours.  Returns 0, or -1 with errno.
 */
int child_start(struct child *, char *const argv[], char *const env[],
    const char *in, size_t len, int timeout_ms);

/* Reads what has come, without waiting. */
enum child_progress child_step(struct child *, int64_t now);

/* Ends it, if it still runs, and frees what it printed. */
void child_end(struct child *);

/* As child_end, but lets it go on, which has closed its stdout. */
void child_leave(struct child *);

/*
 * A file in memory that holds these bytes, read from its start: what stdin is
 * for a program that we start.  Returns its descriptor, or -1 with errno.
 */
int child_input(const char *, size_t len);

#endif
