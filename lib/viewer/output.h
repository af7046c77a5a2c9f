/*
 * What goes to the client: whole lines, written when stdout takes them.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct output {
	int		fd;
	bool		own;		/* fd is output_open's */
	struct buf	data;		/* append whole lines here */
	size_t		sent;		/* of data, written already */
	bool		waiting;	/* something was left over */
	int64_t		progress;	/* since when the client takes none */
};

/*
 * Writes to fd from now on.  Of a pipe it opens a description of its own that
 * does not block: O_NONBLOCK on fd's would be everybody's who has it.
 */
void output_open(struct output *, int fd);

/* Whether something waits to be written. */
bool output_pending(const struct output *);

/* How much waits. */
size_t output_size(const struct output *);

/*
 * Writes what fd takes without blocking the caller; one that is not our own
 * gets at most WRITE_MAX bytes after each POLLOUT.  Returns 0, or -1 with
 * errno (EPIPE: nobody is there any more).
 */
int output_write(struct output *, int64_t now)
    __attribute__((warn_unused_result));

/* When a client that takes nothing is given up. */
int64_t output_deadline(const struct output *, int64_t timeout_us);

#endif
