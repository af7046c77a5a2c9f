/*
 * Copies of a database, as backup.c and restore.c make them.  What
 * goes wrong is noted in the first store, whatever connection it was on.
 */
#ifndef DB_COPY_H
#define DB_COPY_H

#include "store/sqlite/db.h"

/* Notes why a file is refused; returns FAILURE_BAD_REQUEST. */
enum failure_code db_copy_refuse(struct store *, const char *file,
    const char *why);

/* Notes the system call that failed on a file; returns FAILURE_STORAGE. */
enum failure_code db_copy_system(struct store *, const char *file);

/* Takes over why `rc' came from another connection; returns rc. */
enum failure_code db_copy_take(struct store *, const struct store *other,
    enum failure_code rc);

/* Lets one at a time copy a database: *lock is closed to give it back; -1:
 * refused. */
enum failure_code db_copy_begin(struct store *, int *lock);

/*
 * Opens a file for reading, if it is of this program, not newer than it, and
 * not damaged.  The caller closes *out in any case.
 */
enum failure_code db_copy_open(struct store *, const char *file,
    struct store **out);

/* Removes what a connection leaves beside a file of ours that goes or stays
 * alone. */
void db_remove_beside(const char *file);

/* Writes a copy of `from' as of one moment, with nothing deleted in it. */
enum failure_code db_copy_make(struct store *, struct store *from,
    const char *to);

#endif
