/*
 * Copies of a database: see db_copy.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lock.h"
#include "store/maintain.h"
#include "store/sqlite/db_copy.h"
#include "store/sqlite/room.h"
#include "store/store.h"

enum { BACKUP_LOCK = 2 };	/* the byte of "<database>-lock" */

enum failure_code
db_copy_refuse(struct store *s, const char *file, const char *why)
{
	(void)snprintf(s->error, sizeof(s->error), "%s: %s", file, why);
	return FAILURE_BAD_REQUEST;
}

enum failure_code
db_copy_system(struct store *s, const char *file)
{
	(void)snprintf(s->error, sizeof(s->error), "%s: %s", file,
	    strerror(errno));
	return FAILURE_STORAGE;
}

enum failure_code
db_copy_error(struct store *s, const struct store *other, enum failure_code rc)
{
	if (rc != FAILURE_NONE)
		(void)snprintf(s->error, sizeof(s->error), "%s",
		    store_error(other));
	return rc;
}

enum failure_code
db_copy_begin(struct store *s, int *lock)
{
	enum failure_code	rc;
	char			path[sizeof(s->path) + 8];
	int			got;

	(void)snprintf(path, sizeof(path), "%s-lock", s->path);
	if ((*lock = db_open_locks(s)) == -1)
		return db_copy_system(s, path);
	if ((got = lock_try(*lock, BACKUP_LOCK)) == 1)
		return FAILURE_NONE;
	rc = got == -1 ? db_copy_system(s, path) : db_copy_refuse(s, s->path,
	    "a backup or restore of it is running");
	(void)close(*lock);
	*lock = -1;
	return rc;
}

/* Notes the first line about what is wrong with a copy. */
static void
db_copy_note(void *context, const char *line)
{
	struct store	*s = context;

	if (s->error[0] == '\0')
		(void)snprintf(s->error, sizeof(s->error), "%s: %s", s->path,
		    line);
}

enum failure_code
db_copy_open(struct store *s, const char *file, struct store **out)
{
	enum failure_code	 rc;
	struct store		*c;
	int			 version;

	*out = NULL;
	if (strlen(file) >= sizeof(c->path))
		return db_copy_refuse(s, file, "the name is too long");
	if ((*out = c = db_make(file)) == NULL)
		return db_copy_system(s, file);
	c->progress = s->progress;
	c->progress_context = s->progress_context;
	if ((rc = db_connect(c, SQLITE_OPEN_READONLY)) != FAILURE_NONE)
		return db_copy_error(s, c, rc);
	store_watch(c, s->progress, s->progress_context);
	if ((version = db_pragma(c, "PRAGMA user_version")) == INT_MIN)
		return db_copy_error(s, c, db_fail(c, file));
	if (version < 1 || version > SCHEMA_VERSION || db_foreign(c, version)) {
		(void)snprintf(s->error, sizeof(s->error), "%s: this program "
		    "cannot read schema %d, only 1 to %d", file, version,
		    SCHEMA_VERSION);
		return FAILURE_SCHEMA;
	}
	c->error[0] = '\0';
	if ((rc = db_check(c, true, db_copy_note, c)) != FAILURE_NONE)
		return db_copy_error(s, c, rc);
	return db_copy_error(s, c, c->error[0] == '\0' ? FAILURE_NONE :
	    FAILURE_BAD_REQUEST);
}

void
db_remove_beside(const char *file)
{
	static const char *const	ends[] = { "-wal", "-shm",
					    "-journal" };
	char				path[PATH_MAX];
	size_t				i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", file, ends[i]);
		(void)unlink(path);
	}
}

enum failure_code
db_copy_make(struct store *s, struct store *from, const char *to)
{
	enum failure_code	 rc;
	int64_t			 bytes;
	mode_t			 mask;

	if (file_remove(to) == -1)
		return db_copy_system(s, to);
	bytes = db_size(from, true);
	if (bytes != -1 && (rc = room_need(s, to, bytes)) != FAILURE_NONE)
		return rc;
	db_progress(from, "copying", 0, 0);
	mask = umask(077);
	rc = store_run(from, STATEMENT_COPY, NULL,
	    ARGS(ARG_TEXT(to, strlen(to))));
	(void)umask(mask);
	if (rc != FAILURE_NONE) {
		db_remove_beside(to);
		if (from->full)
			(void)snprintf(from->error, sizeof(from->error),
			    "%.900s: the disk is full, and nothing is changed; "
			    "this needs %lld kB", to,
			    (long long)bytes / 1024);
	}
	return s == from ? rc : db_copy_error(s, from, rc);
}
