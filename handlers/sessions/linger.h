/*
 * Ends connections of a program that serves each one by a process of its own,
 * as socat does: after the TLS handshake that process starts a door as its
 * child, and it outlives the door until the client has all.  For both times
 * socat knows a limit between two bytes only, so that a client could keep the
 * process for days.
 */
#ifndef LINGER_H
#define LINGER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* To be initialised with zeros. */
struct linger {
	struct linger_one {
		pid_t	pid;
		int64_t	since;	/* clock_us */
	}	*one;		/* owned: who had no child at the last look */
	size_t	 count;
};

/*
 * Looks at the children of these processes (0: none), and kills each that has
 * had no child of its own for so many microseconds, as far as the looks tell.
 * Returns 0, or -1 with errno if this kernel does not tell who is whose child.
 */
int linger_look(struct linger *, const pid_t parents[], size_t count,
    int64_t limit, int64_t now);

void linger_free(struct linger *);

#endif
