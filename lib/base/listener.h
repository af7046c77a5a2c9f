/*
 * The listening sockets of another process.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Sets TCP_USER_TIMEOUT (milliseconds) on every TCP socket of a child process.
 * The kernel then ends a connection whose peer has acknowledged nothing, or
 * kept its window closed, for that time.  Connections accepted later inherit
 * the option from the listening socket.  Idle connections are not affected.
 * Returns the number of listening sockets, or -1 with errno if the kernel
 * refuses (EPERM, ENOSYS).
 */
int listener_timeout(pid_t, int64_t ms);

/*
 * Tries with a child whether the kernel allows listener_timeout.  Returns 0, or
 * -1 with errno.
 */
int listener_try(void);

#endif
