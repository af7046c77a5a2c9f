/*
 * The sockets on which another process listens.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Sets TCP_USER_TIMEOUT (milliseconds) of every TCP socket of a process that
 * is our child: the kernel ends a connection whose peer has acknowledged
 * nothing, or kept its window shut, for so long.  Connections that are accepted
 * later have it from the socket that listens.  A connection that is idle is
 * not touched.  Returns on how many it listens, or -1 with errno where the
 * kernel does not let us (EPERM, ENOSYS).
 */
int listener_timeout(pid_t, int64_t ms);

/* Whether the kernel lets us: 0, or -1 with errno.  Tries it with a child. */
int listener_try(void);

#endif
