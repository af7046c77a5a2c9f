/*
 * Copies a database that is in use.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/backup.h"
#include "store/sqlite/db_copy.h"
#include "store/store.h"

/* Whether a path is the database or one of the files beside it. */
static bool
db_backup_is_ours(const struct store *s, const char *file)
{
	static const char *const	ends[] = { "", "-wal", "-shm",
					    "-lock", "-reserve" };
	char				path[sizeof(s->path) + 16];
	struct stat			a, b;
	size_t				i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", s->path, ends[i]);
		if (stat(file, &a) == 0 && stat(path, &b) == 0 &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return true;
	}
	return false;
}

/* Checks whether a file may be written. */
static enum failure_code
db_may_make(struct store *s, const char *file, bool force)
{
	struct stat	st;

	if (strlen(file) + 10 > sizeof(s->path))
		return db_copy_refuse(s, file, "the name is too long");
	if (db_backup_is_ours(s, file))
		return db_copy_refuse(s, file, "this is the database itself");
	if (!file_is_plain(file))
		return db_copy_refuse(s, file, "this is not a regular file, "
		    "and is not replaced");
	if (!force && lstat(file, &st) == 0)
		return db_copy_refuse(s, file, "the file exists (--force "
		    "replaces it)");
	return FAILURE_NONE;
}

enum failure_code
store_backup(struct store *s, const char *file, bool force)
{
	enum failure_code	 rc;
	struct store		*c = NULL;
	char			 tmp[sizeof(s->path)];
	int			 lock = -1;

	(void)snprintf(tmp, sizeof(tmp), "%s%s.tmp", db_plain(file), file);
	if ((rc = db_may_make(s, file, force)) != FAILURE_NONE ||
	    (rc = db_copy_begin(s, &lock)) != FAILURE_NONE)
		goto out;
	if ((rc = db_copy_make(s, s, tmp)) == FAILURE_NONE)
		rc = db_copy_open(s, tmp, &c);
	store_close(c);
	if (rc == FAILURE_NONE)
		rc = file_place(tmp, file, force) == 0 ? FAILURE_NONE :
		    db_copy_system(s, file);
	if (rc != FAILURE_NONE)
		(void)!file_remove(tmp);
	db_remove_beside(tmp);
out:
	if (lock != -1)
		(void)close(lock);
	return rc;
}
