/*
 * A connection to an SQLite database.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "store/sqlite/db.h"
#include "store/store.h"

/*
 * Pages in the database's log before a writer copies them into the database.  A
 * process that opens the database alone reads the whole log first, at 0.55 ms a
 * megabyte; SQLite's own 1,000 pages would triple the time of a cached answer.
 */
#define WAL_PAGES	100

enum {
	WRITE_LOCK = 1,		/* the byte of "<database>-lock" */
	SPARE = 32768		/* bytes */
};

bool
db_full(const struct store *s)
{
	const int	code = sqlite3_extended_errcode(s->db);
	const int	error = sqlite3_system_errno(s->db);

	/* With IOERR_SHMSIZE SQLite reports no errno. */
	return code == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE ||
	    (((code & 0xff) == SQLITE_IOERR || (code & 0xff) ==
	    SQLITE_CANTOPEN) && (error == ENOSPC || error == EDQUOT));
}

/* Why the last call failed, with the system call's reason if there is one. */
static const char *
db_reason(struct store *s, char *text, size_t size)
{
	const int	code = sqlite3_errcode(s->db) & 0xff;
	const int	error = sqlite3_system_errno(s->db);

	s->full = db_full(s);
	/* SQLITE_ERROR before any statement: a file format that SQLite does not
	   know. */
	s->damaged = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ||
	    code == SQLITE_ERROR;
	if (s->full)
		return "the disk is full, and the change was undone. Free some "
		    "megabytes";
	if ((code != SQLITE_IOERR && code != SQLITE_CANTOPEN) || error == 0)
		return sqlite3_errmsg(s->db);
	(void)snprintf(text, size, "%s (%s)", sqlite3_errmsg(s->db),
	    strerror(error));
	return text;
}

enum failure_code
db_fail(struct store *s, const char *what)
{
	const int	code = sqlite3_errcode(s->db) & 0xff;
	const bool	same = strcmp(what, s->path) == 0;
	char		text[128], *p;

	/* SQLITE_PROTOCOL: others kept changing the log while we tried to
	   read. */
	s->busy = s->db != NULL && (code == SQLITE_BUSY ||
	    code == SQLITE_PROTOCOL);
	(void)snprintf(s->error, sizeof(s->error), "%s%s%s: %s", s->path,
	    same ? "" : ": ", same ? "" : what, s->db == NULL ?
	    strerror(errno) : db_reason(s, text, sizeof(text)));
	/* Put SQLite's message on one line. */
	for (p = s->error; (p = strpbrk(p, "\n\t")) != NULL; )
		*p = ' ';
	return FAILURE_STORAGE;
}

const char *
db_plain(const char *path)
{
	return *path == ':' || strncmp(path, "file:", 5) == 0 ? "./" : "";
}

struct store *
db_make(const char *path)
{
	struct store	*s;
	int		 n;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->lock = -1;
	s->timeout = STORE_TIMEOUT;
	n = snprintf(s->path, sizeof(s->path), "%s%s", db_plain(path), path);
	if (n < 0 || (size_t)n >= sizeof(s->path))
		s->path[0] = '\0';
	return s;
}

/*
 * Called after each commit.  A process that opens the database alone must read
 * the whole log, so the log is truncated as soon as it is long.  If readers
 * still need it, the next commit tries again.
 */
static int
db_shorten_log(void *context, sqlite3 *db, const char *name, int pages)
{
	const struct store	*s = context;

	if (pages >= WAL_PAGES) {
		(void)sqlite3_busy_timeout(db, 0);
		(void)sqlite3_wal_checkpoint_v2(db, name,
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		(void)sqlite3_busy_timeout(db, s->timeout);
	}
	return SQLITE_OK;
}

/*
 * Configures SQLite for one thread and few statements: no mutexes, no
 * statistics, and no page cache allocated in advance.  Statement journals stay
 * in memory, because on a full disk a file could not be written.  Does nothing
 * once SQLite is initialized.
 */
static void
db_configure(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	(void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
}

/*
 * Puts large temporary files (for VACUUM, sorting, searching) into the
 * database's directory, where chat and answer may write under Landlock, and so
 * that a small /tmp does not matter.  SQLITE_TMPDIR overrides this.
 */
static void
db_set_temp_directory(struct store *s)
{
	static char	 dir[sizeof(s->path)];
	const char	*file = sqlite3_db_filename(s->db, "main");
	const char	*slash = strrchr(file, '/');

	if (getenv("SQLITE_TMPDIR") != NULL || slash == NULL ||
	    slash - file >= (ptrdiff_t)sizeof(dir))
		return;
	(void)snprintf(dir, sizeof(dir), "%.*s", slash == file ? 1 :
	    (int)(slash - file), file);
	sqlite3_temp_directory = dir;
}

/*
 * Opens the file and configures the connection: defensive, durable (synchronous
 * FULL), and without deleting the -wal and -shm files at the end, so that many
 * short connections do not create and sync them each time.
 */
enum failure_code
db_connect(struct store *s, int flags)
{
	int	on = 1;

	if (s->path[0] == '\0') {
		(void)snprintf(s->error, sizeof(s->error), "the database's "
		    "name must have 1 to %zu bytes", sizeof(s->path) - 1);
		return FAILURE_STORAGE;
	}
	db_configure();
	if (sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_EXRESCODE, s->alone ? "unix-excl" : NULL) != SQLITE_OK)
		return db_fail(s, s->path);
	db_set_temp_directory(s);
	(void)sqlite3_busy_timeout(s->db, s->timeout);
	(void)sqlite3_wal_hook(s->db, db_shorten_log, s);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
	    NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	    NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	(void)sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_PERSIST_WAL,
	    &on);
	/* Debian's SQLite does this by default; others do not. */
	if (sqlite3_exec(s->db, "PRAGMA synchronous = FULL;"
	    "PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON", NULL,
	    NULL, NULL) != SQLITE_OK)
		return db_fail(s, s->path);
	return FAILURE_NONE;
}

int
db_pragma(struct store *s, const char *sql)
{
	sqlite3_stmt	*st;
	int		 v = INT_MIN;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
		return INT_MIN;
	if (sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int(st, 0);
	(void)sqlite3_finalize(st);
	return v;
}

int64_t
db_size(struct store *s, bool used)
{
	const int	page = db_pragma(s, "PRAGMA page_size");
	const int	count = db_pragma(s, "PRAGMA page_count");
	const int	unused = used ? db_pragma(s, "PRAGMA freelist_count") :
			    0;
	int64_t		bytes;

	if (page <= 0 || count < 0 || unused < 0)
		return -1;
	bytes = (int64_t)(count - unused) * page;
	/* One percent and some pages more, for the overhead of the log. */
	return used ? bytes + bytes / 100 + SPARE : bytes;
}

sqlite3_stmt *
db_statement(struct store *s, enum statement which)
{
	sqlite3_stmt	**st = &s->statement[which];

	if (*st == NULL && sqlite3_prepare_v3(s->db, store_statements[which],
	    -1, 0, st, NULL) != SQLITE_OK)
		return NULL;
	return *st;
}

sqlite3_stmt *
db_bound(struct store *s, enum statement which, const struct arg *a, int count)
{
	sqlite3_stmt	*st;
	int		 i;

	if ((st = db_statement(s, which)) == NULL)
		return NULL;
	if (count > 1 && count > sqlite3_bind_parameter_count(st))
		count = sqlite3_bind_parameter_count(st);
	for (i = 0; i < count; i++) {
		if (a[i].is_text ? !db_bind_text(st, i + 1, a[i].text,
		    a[i].len) : sqlite3_bind_int64(st, i + 1, a[i].number) !=
		    SQLITE_OK)
			return NULL;
	}
	return st;
}

fts5_api *
db_fts5(struct store *s)
{
	sqlite3_stmt	*st = db_statement(s, STATEMENT_FTS5_API);
	fts5_api	*api = NULL;

	if (st == NULL || sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr",
	    NULL) != SQLITE_OK)
		return NULL;
	return db_done(s, st, sqlite3_step(st)) == FAILURE_NONE ? api : NULL;
}

bool
db_bind_text(sqlite3_stmt *st, int i, const char *text, size_t len)
{
	return sqlite3_bind_text64(st, i, text == NULL ? "" : text, len,
	    SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
}

bool
db_column_text(sqlite3_stmt *st, int column, const char **text, size_t *len)
{
	/* SQLite returns NULL for an SQL NULL and for lack of memory; only the
	   type, if read first, can tell the two apart. */
	const bool	null = sqlite3_column_type(st, column) == SQLITE_NULL;

	*text = null ? NULL : (const char *)sqlite3_column_text(st, column);
	*len = *text == NULL ? 0 : (size_t)sqlite3_column_bytes(st, column);
	return null || *text != NULL;
}

enum failure_code
db_done(struct store *s, sqlite3_stmt *st, int rc)
{
	enum failure_code	code = FAILURE_NONE;

	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		code = db_fail(s, s->path);
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return code;
}

enum failure_code
store_run(struct store *s, enum statement which, int64_t *number,
    const struct arg *a, int count)
{
	sqlite3_stmt	*st;
	int		 rc;

	if (number != NULL)
		*number = 0;
	if ((st = db_bound(s, which, a, count)) == NULL)
		return db_fail(s, s->path);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (number != NULL)
			*number = sqlite3_column_int64(st, 0);
		rc = sqlite3_step(st);
	}
	return db_done(s, st, rc);
}

int
db_open_locks(const struct store *s)
{
	char		 path[PATH_MAX + 8], real[PATH_MAX];
	const char	*file = s->path;

	if (s->db != NULL)
		file = sqlite3_db_filename(s->db, "main");
	else if (realpath(s->path, real) != NULL)
		file = real;
	(void)snprintf(path, sizeof(path), "%s-lock", file);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

enum failure_code
db_lock(struct store *s)
{
	if (s->lock == -1)
		s->lock = db_open_locks(s);
	/* If the lock file cannot be opened, continue without it; it only makes
	   writers queue instead of polling. */
	if (s->lock == -1 || lock_wait(s->lock, WRITE_LOCK, clock_us() +
	    s->timeout * INT64_C(1000)) != 0)
		return FAILURE_NONE;
	s->busy = true;
	(void)snprintf(s->error, sizeof(s->error),
	    "another process has held the write lock for too long");
	return FAILURE_STORAGE;
}

void
db_unlock(struct store *s)
{
	if (s->lock != -1)
		lock_release(s->lock, WRITE_LOCK);
}

enum failure_code
db_begin(struct store *s)
{
	enum failure_code	rc;

	if ((rc = db_lock(s)) != FAILURE_NONE)
		return rc;
	if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ==
	    SQLITE_OK)
		return FAILURE_NONE;
	rc = db_fail(s, s->path);
	db_unlock(s);
	return rc;
}

enum failure_code
db_end(struct store *s, enum failure_code rc)
{
	if (rc == FAILURE_NONE && sqlite3_exec(s->db, "COMMIT", NULL, NULL,
	    NULL) != SQLITE_OK)
		rc = db_fail(s, s->path);
	if (rc != FAILURE_NONE)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	db_unlock(s);
	return rc;
}
