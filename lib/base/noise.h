/*
 * Lines that websocketd 0.4.1 logs about connections that ended early.  Any
 * client can cause them, so we count them instead of logging them.
 */
#ifndef NOISE_H
#define NOISE_H

#include <stdbool.h>
#include <stddef.h>

/* To be initialised with zeros. */
struct noise {
	bool		trace;		/* within a stack trace */
	unsigned long	panics;		/* recovered panics with their traces */
	unsigned long	closed;		/* reads of a pipe that was closed
					   already */
	unsigned long	refused;	/* requests with a method other than
					   GET */
};

/* Whether a line (without its line end) is noise; if so, counts it. */
bool noise_is(struct noise *, const char *line, size_t len);

/*
 * Writes one line (without its end) with the counts and resets them.  Returns
 * false if nothing was counted.
 */
bool noise_report(struct noise *, char *to, size_t size);

#endif
