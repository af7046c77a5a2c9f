/*
 * What goes to the client: whole lines, written as fast as stdout accepts them.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct output {
	int		fd;
	bool		own;		/* output_open opened fd */
	struct buf	data;		/* the caller appends whole lines
					   here */
	size_t		sent;		/* bytes of data that are written
					   already */
	bool		waiting;	/* the last write left bytes over */
	int64_t		progress;	/* clock_us: when the client last
					   accepted bytes, or when the waiting
					   began */
};

/*
 * Sets where to write.  If fd is a pipe, opens a second, non-blocking
 * description of the pipe and writes to that: O_NONBLOCK set on fd itself would
 * hold for every process that shares fd.
 */
void output_open(struct output *, int fd);

/* Whether any bytes are still unsent. */
bool output_pending(const struct output *);

/* The number of unsent bytes. */
size_t output_size(const struct output *);

/*
 * Writes as much as fd accepts without blocking.  If fd could not be opened a
 * second time, writes at most WRITE_MAX bytes after each POLLOUT.  Returns 0,
 * or -1 with errno (EPIPE: the reader is gone).
 */
int output_write(struct output *, int64_t now)
    __attribute__((warn_unused_result));

/*
 * When to drop a client that accepts no bytes: clock_us, or CLOCK_NEVER if
 * nothing is unsent.
 */
int64_t output_deadline(const struct output *, int64_t timeout_us);

#endif
