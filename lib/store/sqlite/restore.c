/*
 * Replaces the content of a database that is in use.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/backup.h"
#include "store/maintain.h"
#include "store/sqlite/db_copy.h"
#include "store/sqlite/room.h"
#include "store/store.h"

enum { PAGES = 1000 };		/* pages copied between two calls of the
				   progress callback */

/* Copies the remaining pages of a backup object and ends it. */
static int
restore_finish(struct store *s, sqlite3_backup *b, const char *what)
{
	while (sqlite3_backup_step(b, PAGES) == SQLITE_OK)
		db_progress(s, what, sqlite3_backup_pagecount(b) -
		    sqlite3_backup_remaining(b), sqlite3_backup_pagecount(b));
	return sqlite3_backup_finish(b);
}

/* Copies a database page by page, damaged or not. */
static enum failure_code
restore_copy_pages(struct store *s, struct store *from, struct store *to)
{
	enum failure_code	 rc;
	sqlite3_backup		*b;

	if ((rc = db_connect(from, SQLITE_OPEN_READONLY)) != FAILURE_NONE)
		return db_copy_error(s, from, rc);
	if ((rc = db_connect(to, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE)) != FAILURE_NONE)
		return db_copy_error(s, to, rc);
	if ((b = sqlite3_backup_init(to->db, "main", from->db, "main")) ==
	    NULL || restore_finish(s, b, "keeping the old database") !=
	    SQLITE_OK)
		return db_copy_error(s, to, db_fail(to, to->path));
	/* Without WAL, so that it is one file; a damaged one may refuse. */
	(void)db_pragma(to, "PRAGMA journal_mode = DELETE");
	return FAILURE_NONE;
}

/* Saves the database as it is now. */
static enum failure_code
restore_save_old(struct store *s, const char *file)
{
	enum failure_code	 rc;
	struct store		*from, *to;
	char			 tmp[sizeof(s->path) + 32];

	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", file);
	if (file_remove(tmp) == -1)
		return db_copy_system(s, tmp);
	from = db_make(s->path);
	to = db_make(tmp);
	rc = from == NULL || to == NULL ? db_copy_system(s, tmp) :
	    restore_copy_pages(s, from, to);
	store_close(from);
	store_close(to);
	db_remove_beside(tmp);
	if (rc == FAILURE_NONE && file_place(tmp, file, true) == -1)
		rc = db_copy_system(s, file);
	if (rc != FAILURE_NONE)
		(void)!file_remove(tmp);
	return rc;
}

/*
 * Replaces all pages in one transaction.  The old content is saved within it,
 * with the write lock held, so nothing is lost in between.
 */
static enum failure_code
restore_exchange(struct store *s, struct store *work, const char *before)
{
	enum failure_code	 rc = FAILURE_NONE;
	sqlite3_backup		*b;

	if ((b = sqlite3_backup_init(s->db, "main", work->db, "main")) == NULL)
		return db_fail(s, s->path);
	/* Step 0 copies no page but takes the lock. */
	if (sqlite3_backup_step(b, 0) != SQLITE_OK) {
		(void)sqlite3_backup_finish(b);
		return db_fail(s, s->path);
	}
	if (before != NULL && (rc = restore_save_old(s, before)) !=
	    FAILURE_NONE) {
		(void)sqlite3_backup_finish(b);		/* rolls back */
	} else if (restore_finish(s, b, "exchanging") != SQLITE_OK) {
		rc = db_fail(s, s->path);
		if (before != NULL)
			(void)!file_remove(before);	/* nothing was
							   replaced */
	}
	return rc;
}

/* Makes the copy continue with ids above those of the database. */
static enum failure_code
restore_raise_ids(struct store *s, struct store *work)
{
	static const enum statement	raise[] = {
		STATEMENT_LAST_ID_RAISE, STATEMENT_LAST_ID_ADD
	};
	enum failure_code		rc = FAILURE_NONE;
	int64_t				last = 0;
	size_t				i;

	/* A damaged database may not have its last id. */
	if (store_run(s, STATEMENT_LAST_ID, &last, NO_ARGS) != FAILURE_NONE ||
	    last == 0)
		return FAILURE_NONE;
	for (i = 0; i < 2 && rc == FAILURE_NONE; i++)
		rc = store_run(work, raise[i], NULL, ARGS(ARG_INT(last)));
	return db_copy_error(s, work, rc);
}

/*
 * Gives the copy the database's identity; a copy from an old version has none.
 */
static enum failure_code
restore_keep_identity(struct store *s, struct store *work)
{
	enum failure_code	 rc;
	char			 id[STORE_IDENTITY + 1];
	int			 version;

	/* A damaged database may not have its identity. */
	if (store_identity(s, id) != FAILURE_NONE)
		return FAILURE_NONE;
	version = db_pragma(work, "PRAGMA user_version");
	if (sqlite3_exec(work->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return db_copy_error(s, work, db_fail(work, work->path));
	if ((rc = db_steps(work, version)) == FAILURE_NONE)
		rc = store_run(work, STATEMENT_IDENTITY_SET, NULL,
		    ARGS(ARG_TEXT(id, STORE_IDENTITY)));
	if (rc == FAILURE_NONE && sqlite3_exec(work->db, "COMMIT", NULL, NULL,
	    NULL) != SQLITE_OK)
		rc = db_fail(work, work->path);
	return db_copy_error(s, work, rc);
}

/* Renames a database and its log; the -shm file is made again when needed. */
static int
restore_move(const char *from, const char *to)
{
	char	log[PATH_MAX], as[PATH_MAX];

	db_remove_beside(to);
	(void)snprintf(log, sizeof(log), "%s-wal", from);
	(void)snprintf(as, sizeof(as), "%s-wal", to);
	if (rename(log, as) == -1 && errno != ENOENT)
		return -1;
	if (rename(from, to) == -1)
		return -1;
	db_remove_beside(from);
	return 0;
}

/*
 * Opens the database whatever its content, or makes it if it is missing.  If it
 * cannot be opened, notes whether it is damaged.
 */
static enum failure_code
restore_open_live(struct store *s, bool there)
{
	enum failure_code	 rc = FAILURE_NONE;
	struct store		*made = NULL;
	int			 version, from, to;

	if (!there)
		rc = store_migrate(&made, s->path, &from, &to, NULL);
	rc = db_copy_error(s, made, rc);
	store_close(made);
	if (rc != FAILURE_NONE)
		return rc;
	/* With WAL, others can read the old content until the end. */
	if (db_connect(s, SQLITE_OPEN_READWRITE) != FAILURE_NONE ||
	    (version = db_pragma(s, "PRAGMA user_version")) == INT_MIN ||
	    db_pragma(s, "PRAGMA journal_mode = WAL") == INT_MIN)
		return db_fail(s, s->path);
	store_watch(s, s->progress, s->progress_context);
	return !db_foreign(s, version) ? FAILURE_NONE :
	    db_copy_refuse(s, s->path, "not a database of this program");
}

/*
 * Makes the working copy that will replace the content: with our page size and
 * our ids.
 */
static enum failure_code
restore_make_work(struct store *s, struct store *from, const char *to,
    bool there, struct store **work)
{
	enum failure_code	 rc;
	char			 sql[64];

	(void)snprintf(sql, sizeof(sql), "PRAGMA page_size = %d",
	    db_pragma(s, "PRAGMA page_size"));
	(void)db_pragma(from, sql);
	if ((rc = db_copy_make(s, from, to)) != FAILURE_NONE)
		return rc;
	if ((*work = db_make(to)) == NULL)
		return db_copy_system(s, to);
	rc = db_copy_error(s, *work, db_connect(*work, SQLITE_OPEN_READWRITE));
	if (rc == FAILURE_NONE && there)
		rc = restore_keep_identity(s, *work);
	return rc == FAILURE_NONE ? restore_raise_ids(s, *work) : rc;
}

/*
 * Checks that the disk has room for all that a restore writes: the working
 * copy, the log with the same pages, the saved old database, and the growth of
 * the file.
 */
static enum failure_code
restore_check_room(struct store *s, struct store *from, bool there)
{
	const int64_t	copy = db_size(from, true), old = db_size(s, false);
	int64_t		bytes;

	if (copy == -1 || old == -1)
		return FAILURE_NONE;
	bytes = 2 * copy + (copy > old ? copy - old : 0) + (there ? old : 0);
	return room_need(s, s->path, bytes);
}

/* Restores from a copy that was found valid.  The lock of backups is held. */
static enum failure_code
restore_from(
    struct store *s, struct store *from, const char *before, bool there)
{
	enum failure_code	 rc;
	struct store		*work = NULL;
	char			 copy[sizeof(s->path) + 16];
	bool			 moved = false;

	(void)snprintf(copy, sizeof(copy), "%s.restore", s->path);
	rc = restore_open_live(s, there);
	if (rc != FAILURE_NONE && there && s->damaged) {
		/* Too damaged to replace pages within the file. */
		(void)sqlite3_close(s->db);
		s->db = NULL;
		if (restore_move(s->path, before) == -1)
			return db_copy_system(s, s->path);
		moved = true;
		there = false;
		rc = restore_open_live(s, there);
	}
	if (rc == FAILURE_NONE &&
	    (rc = restore_check_room(s, from, there)) == FAILURE_NONE &&
	    (rc = restore_make_work(s, from, copy, there, &work)) ==
	    FAILURE_NONE && (rc = db_lock(s)) == FAILURE_NONE) {
		rc = restore_exchange(s, work, there ? before : NULL);
		db_unlock(s);
	}
	store_close(work);
	(void)!file_remove(copy);	/* may be incomplete */
	db_remove_beside(copy);
	if (rc != FAILURE_NONE && moved)
		(void)restore_move(before, s->path);
	return rc == FAILURE_NONE ? store_cut(s) : rc;
}

enum failure_code
store_restore(struct store **out, const char *path, const char *file,
    bool force, void (*progress)(void *, const char *, int64_t, int64_t),
    void *context)
{
	enum failure_code	 rc;
	struct store		*s, *from = NULL;
	struct stat		 st;
	char			 before[sizeof(s->path) + 24];
	const bool		 there = stat(path, &st) == 0;
	int			 lock = -1;

	if ((*out = s = db_make(path)) == NULL)
		return FAILURE_STORAGE;
	s->progress = progress;
	s->progress_context = context;
	if (strlen(path) + 24 > sizeof(s->path))
		return db_copy_refuse(s, path, "the name is too long");
	(void)snprintf(before, sizeof(before), "%s.before-restore", s->path);
	if (there && !file_is_plain(before))
		return db_copy_refuse(s, before, "this is not a regular file, "
		    "and is not replaced");
	if (!force && there && access(before, F_OK) == 0)
		return db_copy_refuse(s, before, "the file exists (--force "
		    "replaces it)");
	if ((rc = db_copy_begin(s, &lock)) == FAILURE_NONE &&
	    (rc = db_copy_open(s, file, &from)) == FAILURE_NONE)
		rc = restore_from(s, from, before, there);
	store_close(from);
	if (lock != -1)
		(void)close(lock);
	return rc;
}
