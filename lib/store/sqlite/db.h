/*
 * A connection to an SQLite database: opened defensively, runs the statements
 * of sql/, and makes writers queue for a lock.  Used only by the implementation
 * of lib/store/store.h.
 */
#ifndef DB_H
#define DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "sql.h"
#include "store/statement.h"
#include "store/store.h"

struct store {
	sqlite3		*db;
	sqlite3_stmt	*statement[STATEMENT__MAX];
	int		 lock;		/* of "<database>-lock"; -1: not open */
	struct store_key key;
	char		 path[512];	/* "": the name is too long */
	int		 timeout;	/* ms, for each wait for a lock */
	char		 error[1024];	/* why the last call failed */
	bool		 busy;		/* may succeed later: another process
					   had a lock */
	bool		 full;		/* the disk is full */
	bool		 damaged;	/* not a valid database */
	bool		 alone;		/* exclusive locking: no -shm is
					   needed */
	/* A callback for long operations: see store_watch. */
	void		(*progress)(void *, const char *, int64_t, int64_t);
	void		*progress_context;
	const char	*progress_what;	/* what is being done */
};

/*
 * Makes a store that is not connected; NULL: no memory.  If the name is too
 * long, db_connect fails.
 */
struct store *db_make(const char *path);

/*
 * A prefix for a path, "./" or "", that keeps SQLite from treating file:NAME as
 * a URI and :memory: as no file.
 */
const char *db_plain(const char *path);

/*
 * Connects a store.  `flags' are SQLITE_OPEN_READWRITE, with _CREATE if the
 * file may be made.  The functions below return FAILURE_NONE, or
 * FAILURE_STORAGE with the reason in `error'.
 */
enum failure_code db_connect(struct store *, int flags);

/* As store_open, with this `timeout'. */
enum failure_code db_open(struct store **, const char *path, int timeout);

/*
 * Notes the reason of the last failure and returns FAILURE_STORAGE.  `what'
 * names the operation or a file; the database's name is added.
 */
enum failure_code db_fail(struct store *, const char *what);

/*
 * Opens "<database>-lock"; returns -1 with errno on error.  Follows symbolic
 * links of the database, so that all processes use the same lock file.
 */
int db_open_locks(const struct store *);

/* Whether the last call failed because the disk is full. */
bool db_full(const struct store *);

/* The number that a PRAGMA or a SELECT returns; INT_MIN on error. */
int db_pragma(struct store *, const char *sql);

/* The size in bytes of all pages, or, with `used', of the pages in use plus a
   reserve; -1 on error. */
int64_t db_size(struct store *, bool used);

/* Whether the database is another program's; `version' is its user_version. */
bool db_foreign(struct store *, int version);

/*
 * Runs the migration steps of sql/ from a version on, in the caller's
 * transaction.
 */
enum failure_code db_steps(struct store *, int from);

/*
 * As store_knowledge_make (store/knowledge.h), in the caller's transaction.
 */
enum failure_code db_make_knowledge(struct store *);

/*
 * Checks for damage (with `full' also in indexes) and for rows without their
 * owner; calls `found' with a line about each.
 */
enum failure_code db_check(struct store *, bool full,
    void (*found)(void *, const char *line), void *);

/* A prepared statement, ready to be bound; NULL on error. */
sqlite3_stmt *db_statement(struct store *, enum statement);

/* A statement with its arguments bound; NULL on error.  See store_run. */
sqlite3_stmt *db_bound(struct store *, enum statement, const struct arg *,
    int count);

/* What extends FTS5, while the connection is open; NULL on error. */
fts5_api *db_fts5(struct store *);

/* Binds a text, which must stay valid until the statement is done. */
bool db_bind_text(sqlite3_stmt *, int i, const char *, size_t len);

/*
 * Gets a text of a statement's current row; *text is NULL for an SQL NULL.
 * Returns false if there is no memory.
 */
bool db_column_text(sqlite3_stmt *, int column, const char **, size_t *len);

/* Resets a statement; rc is the last result of sqlite3_step. */
enum failure_code db_done(struct store *, sqlite3_stmt *, int rc);

/* Calls the callback of store_watch. */
void db_progress(struct store *, const char *what, int64_t done, int64_t total);

/*
 * The lock that writers take before a transaction.  It makes them queue in the
 * kernel; with SQLite's polling alone, 50 writers got a tenth of the work done.
 */
enum failure_code db_lock(struct store *);
void db_unlock(struct store *);

/* Begins a write transaction, with the lock. */
enum failure_code db_begin(struct store *);

/*
 * Ends the transaction: commits if rc is FAILURE_NONE, else rolls back.
 * Returns rc, or the error of the commit.
 */
enum failure_code db_end(struct store *, enum failure_code rc);

#endif
