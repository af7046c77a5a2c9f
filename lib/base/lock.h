/*
 * Locks on single bytes of a file (open file description locks, fcntl(2)).  The
 * kernel releases them when the process that holds them ends, however it ends,
 * so there are no stale locks.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdint.h>

/*
 * Opens a lock file in a directory; makes it with mode 0600 if it is missing.
 * Returns the descriptor, or -1 with errno.  Each open file is an owner of
 * locks.
 */
int lock_open(const char *dir, const char *name);

/*
 * Locks a byte.  Returns 1 if locked, 0 if another owner holds it, or -1 with
 * errno.
 */
int lock_try(int fd, int64_t byte);

/*
 * As lock_try, but others may share the byte.  Also turns an exclusive lock of
 * ours into a shared one.
 */
int lock_share(int fd, int64_t byte);

/* Locks every byte but the first.  Returns as lock_try. */
int lock_try_rest(int fd);

/*
 * Locks a byte, waiting in the kernel's queue until the deadline (clock_us).
 * Returns as lock_try.  Uses SIGALRM and the real-time timer.
 */
int lock_wait(int fd, int64_t byte, int64_t deadline);

/* Unlocks a byte. */
void lock_release(int fd, int64_t byte);

/*
 * Counts the bytes in [first, last] that other owners hold, up to `enough';
 * each owner holds one byte.  Returns the count, or -1 with errno.
 */
int lock_count(int fd, int64_t first, int64_t last, int enough);

/* As lock_count, but also lists the bytes in ascending order. */
int lock_list(int fd, int64_t first, int64_t last, int64_t *bytes,
    int enough);

#endif
