/*
 * What websocketd 0.4.1 says about connections that ended early, and anybody
 * can make it say: it is counted, not logged.
 */
#ifndef NOISE_H
#define NOISE_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised it has counted nothing. */
struct noise {
	bool		trace;		/* within a stack trace */
	unsigned long	panics;		/* recovered, with their traces */
	unsigned long	closed;		/* read of a pipe that it has closed */
	unsigned long	refused;	/* methods other than GET */
};

/* Whether a line, without its line end, is one of these; counts it then. */
bool noise_is(struct noise *, const char *line, size_t len);

/*
 * Says in one line, without its end, what has been counted, and begins anew;
 * false where there is nothing to say.
 */
bool noise_tell(struct noise *, char *to, size_t size);

#endif
