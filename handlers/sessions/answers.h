/*
 * Generations as administrators' commands see them: what they send on their
 * sockets, and their processes.  The kernel names the process behind a socket;
 * a generation that sends nothing is found in /proc by its arguments and its
 * user.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "generation/generation.h"

/*
 * Reads what a generation has sent, without waiting, and calls `each' for each
 * whole line until that returns false.  An incomplete line stays in `in'.
 * Returns false if the generation is gone.  Ends the program if there is no
 * memory.
 */
bool answers_hear(int fd, struct buf *in, bool (*each)(void *,
    const char *line, size_t len), void *context);

/*
 * answers_ask_who has the kernel attach the sender's credentials to each line.
 * answers_who reads what has arrived; when it returns true, *process is a pidfd
 * of the sending process, or -1 if that is gone.
 */
int answers_ask_who(int fd);
bool answers_who(int fd, int *process);

struct answers_process {
	pid_t	pid;
	struct subject	subject;
	int64_t	session;
	char	state;		/* as in ps(1): T stopped, D waiting for a
				   disk */
};

/*
 * Calls `each' for the generations of a RUN_DIR, which belong to the
 * directory's owner, until it returns false.  If /proc hides a process'
 * environment, only its arguments and its user are compared.  Returns 0, or -1
 * with errno.
 */
int answers_each(const char *run_dir, bool (*each)(void *,
    const struct answers_process *), void *context);

/* Whether the process is stopped or waits for a disk. */
bool answers_hangs(const struct answers_process *);

/* Reads the state again.  Returns as answers_hangs. */
bool answers_still_hangs(struct answers_process *);

/*
 * Sends a signal if it is still the same process: SIGTERM ends it with an error
 * frame, SIGKILL at once.  Returns 0, or -1 with errno.
 */
int answers_signal(const char *run_dir, const struct answers_process *,
    int sig);

#endif
