/*
 * TMPDIR of the programs that we run for others: RUN_DIR/tmp-PID, which the
 * kernel's lock on it shows to be in use.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stddef.h>

/*
 * Makes the directory with mode 0700 and writes its absolute path.  *lock is a
 * descriptor; the directory is in use as long as it is open.  Returns 0, or -1
 * with errno.
 */
int place_make(const char *run_dir, char *path, size_t size, int *lock);

/*
 * Removes the directory and closes its lock; then removes the directories
 * beside it that nobody uses any more.
 */
void place_remove(const char *path, int lock);

#endif
