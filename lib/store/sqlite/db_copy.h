/*
 * Copies of a database, for backup.c and restore.c.  Errors of all connections
 * are noted in the first argument.
 */
#ifndef DB_COPY_H
#define DB_COPY_H

#include "store/sqlite/db.h"

/* Notes why a file is refused.  Returns FAILURE_BAD_REQUEST. */
enum failure_code db_copy_refuse(struct store *, const char *file,
    const char *why);

/* Notes that a system call failed on a file.  Returns FAILURE_STORAGE. */
enum failure_code db_copy_system(struct store *, const char *file);

/* Copies the reason of an error from another store.  Returns rc. */
enum failure_code db_copy_error(struct store *, const struct store *other,
    enum failure_code rc);

/* Locks backups, so that only one process copies a database.  Sets *lock to a
   descriptor to be closed at the end; -1: refused. */
enum failure_code db_copy_begin(struct store *, int *lock);

/*
 * Opens a file for reading if it is a database of this program, not newer than
 * this program, and not damaged.  The caller closes *out in any case.
 */
enum failure_code db_copy_open(struct store *, const char *file,
    struct store **out);

/* Removes the -wal and -shm files beside a database file of ours. */
void db_remove_beside(const char *file);

/* Writes a compact copy of `from' as of one moment, without deleted data. */
enum failure_code db_copy_make(struct store *, struct store *from,
    const char *to);

#endif
