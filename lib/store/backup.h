/*
 * A copy of the database while it is used, and putting one in its place.
 * These return as the functions of lib/store/maintain.h.
 */
#ifndef BACKUP_H
#define BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame/failure.h"

struct store;

/*
 * Writes a copy as of one moment into a file, mode 0600: made beside it as
 * FILE.tmp, looked through for damage, on disk, then renamed.  A file that is
 * there already is refused unless `force'.  One backup of a database at a
 * time; what is killed leaves FILE.tmp, which the next one takes away.
 */
enum failure_code store_backup(struct store *, const char *file, bool force);

/*
 * Puts a database file in the place of the content of the one at `path', which
 * need not be there.  The file is copied (PATH.restore), looked through and
 * left alone; then all pages are exchanged in one transaction within the
 * file that is there, so that a process that has it open, and its -wal, stay
 * right: each sees the old content or the new one.  The old one is kept as
 * PATH.before-restore, of which there must be none unless `force'.  The claims
 * of all tickets must be held.  The schema may be an older one: store_migrate
 * comes next.  The database keeps its identity; where that cannot be read it
 * gets the copy's.  `*out' is for store_error and store_close.
 */
enum failure_code store_restore(struct store **out, const char *path,
    const char *file, bool force, void (*tell)(void *, const char *what,
    int64_t done, int64_t total), void *);

#endif
