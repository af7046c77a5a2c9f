/*
 * Copying a database that is in use, and replacing its content by a copy.  The
 * functions return as those of lib/store/maintain.h.
 */
#ifndef BACKUP_H
#define BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame/failure.h"

struct store;

/*
 * Writes a copy as of one moment into a file with mode 0600.  Writes FILE.tmp
 * first, checks it for damage, syncs it to disk and renames it.  Refuses to
 * replace an existing file without `force'.  Only one backup of a database runs
 * at a time.  If the process is killed, FILE.tmp stays until the next backup.
 */
enum failure_code store_backup(struct store *, const char *file, bool force);

/*
 * Replaces the content of the database at `path', which need not exist, by that
 * of a database file, which stays as it is.  The file is copied to PATH.restore
 * and checked.  Then all pages are replaced in one transaction within the
 * existing file, so that a process that has it open sees either the old or the
 * new content.  The old database is saved as PATH.before-restore; an existing
 * one is replaced only with `force'.  The caller must hold the claims of all
 * tickets.  The new content may have an older schema: call store_migrate next.
 * The database keeps its identity, or gets the copy's if its own cannot be
 * read.  The caller frees *out with store_close, also after an error.
 */
enum failure_code store_restore(struct store **out, const char *path,
    const char *file, bool force, void (*progress)(void *, const char *what,
    int64_t done, int64_t total), void *);

#endif
