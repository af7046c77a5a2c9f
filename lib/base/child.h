/*
 * Runs other programs and reads what they print.
 */
#ifndef CHILD_H
#define CHILD_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Starts a program, which is searched in PATH if `path' has no slash.  Its
 * descriptors 0 to count - 1 are copies of fd[0] to fd[count - 1], where -1
 * stands for /dev/null; it inherits no others.  No fd[i] may be less than i.
 * Signals have their default action and are not blocked.  If `detached', the
 * program leads a session of its own; otherwise the kernel kills it when this
 * process ends (child_end_with).  Returns as posix_spawn: 0 or an error number.
 */
int child_spawn(pid_t *, const char *path, char *const argv[],
    char *const env[], const int fd[], int count, bool detached);

/*
 * In a new process: has the kernel kill it when `parent' ends, which started
 * it; ends it if `parent' has ended already.  This survives execve.
 */
void child_end_with(pid_t parent);

/*
 * Runs a program (searched in PATH if its name has no slash) with an empty
 * stdin and waits until it ends, at most timeout_ms milliseconds (-1: no
 * limit).  Appends its stdout to the buffer, up to the buffer's cap, and its
 * stderr, too, if `errors'; otherwise that is ours.
 * Returns its exit code, or -1 with errno (ENOENT: no such program; ETIMEDOUT;
 * EINTR: ended by a signal).
 */
int child_run(char *const argv[], char *const env[], int timeout_ms,
    bool errors, struct buf *out);

/*
 * A program that runs in the background.  The caller polls its descriptor in
 * the event loop.  The caller sets out.cap before child_start, which sets the
 * other members.
 */
struct child {
	int		fd;		/* its stdout; -1: no program runs */
	int		pidfd;		/* of the process */
	int64_t		deadline;	/* clock_us: when it must have ended */
	struct buf	out;		/* what it has printed so far */
};

enum child_progress {
	CHILD_MORE,	/* still running: poll fd */
	CHILD_ENDED,	/* stdout is closed; `out' is complete */
	CHILD_LATE,	/* the deadline has passed */
	CHILD_BROKEN	/* error in errno, such as too much output */
};

/*
 * Starts the program at a path, with these bytes as stdin and our stderr; it
 * inherits no other descriptors.  Returns 0, or -1 with errno.
 */
int child_start(struct child *, char *const argv[], char *const env[],
    const char *in, size_t len, int timeout_ms);

/* Reads what has arrived, without waiting. */
enum child_progress child_step(struct child *, int64_t now);

/* Kills the program if it still runs, and frees its output. */
void child_end(struct child *);

/* As child_end, but lets it go on, which has closed its stdout. */
void child_leave(struct child *);

/*
 * Makes a file in memory with these bytes, open at its start: stdin for a
 * program to be started.  Returns the descriptor, or -1 with errno.
 */
int child_input(const char *, size_t len);

#endif
