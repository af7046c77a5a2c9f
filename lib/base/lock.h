/*
 * Locks on single bytes of a file (open file description locks, fcntl(2)):
 * the kernel frees them with the process that holds them, however it ends, so
 * nothing has to expire, beat or be swept.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdint.h>

/*
 * Opens (or makes, mode 0600) a lock file below a directory; returns its
 * descriptor, or -1 with errno.  Each open is an owner of its own.
 */
int lock_open(const char *dir, const char *name);

/* Takes a byte: 1 taken, 0 somebody else has it, -1 with errno. */
int lock_try(int fd, int64_t byte);

/* As lock_try, but others may share the byte; what was taken is shared now. */
int lock_share(int fd, int64_t byte);

/* Takes every byte but the first; returns as lock_try. */
int lock_try_rest(int fd);

/*
 * Takes a byte, waiting in the kernel's order until the deadline (clock_us).
 * Returns as lock_try.  Uses SIGALRM and the real-time timer meanwhile.
 */
int lock_wait(int fd, int64_t byte, int64_t deadline);

/* Gives a byte back. */
void lock_release(int fd, int64_t byte);

/*
 * How many other owners hold bytes in [first, last]; they hold one each.
 * Stops counting at `enough'.  Returns -1 with errno.
 */
int lock_count(int fd, int64_t first, int64_t last, int enough);

/* As lock_count, and notes the bytes, in ascending order. */
int lock_list(int fd, int64_t first, int64_t last, int64_t *bytes,
    int enough);

#endif
