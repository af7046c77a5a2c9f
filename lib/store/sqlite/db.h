/*
 * A connection to an SQLite database: opened defensively, with the statements
 * of sql/ and write transactions behind a lock.  Only the files that stand
 * behind lib/store/store.h use it.
 */
#ifndef DB_H
#define DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "sql.h"
#include "store/store.h"

struct store {
	sqlite3		*db;
	sqlite3_stmt	*statement[STATEMENT__MAX];
	int		 lock;		/* the write lock's file; -1: none */
	char		 id[STORE_IDENTITY + 1];	/* "": not read yet */
	unsigned char	 secret[TEXT_SECRET];
	char		 path[512];	/* empty: the name is too long */
	int		 timeout;	/* of each wait for others, ms */
	char		 error[1024];	/* why the last call failed */
	bool		 busy;		/* and it may go well later: somebody
					   was in the way */
	bool		 full;		/* or: the disk was */
	bool		 damaged;	/* or: it is no good database */
	bool		 alone;		/* nobody else may open it meanwhile,
					   and no -shm is needed */
	/* What is told how far something long is; see store_watch. */
	void		(*tell)(void *, const char *, int64_t, int64_t);
	void		*tell_context;
	const char	*telling;	/* what is being done */
};

/*
 * A store that is not connected; NULL if there is no memory.  db_connect
 * refuses a name that is too long: cut it would be another file's.
 */
struct store *db_make(const char *path);

/*
 * What to write in front of a path, so that it is a file's for SQLite too,
 * which takes file:NAME for an address, with options behind it, and :memory:
 * for no file at all: "./" or "".
 */
const char *db_plain(const char *path);

/*
 * Connects it: `flags' are SQLITE_OPEN_READWRITE, with _CREATE where the file
 * may be made.  The functions below return FAILURE_NONE, or FAILURE_STORAGE
 * with the reason in `error'.
 */
enum failure_code db_connect(struct store *, int flags);

/* As store_open, with another `timeout'. */
enum failure_code db_open(struct store **, const char *path, int timeout);

/*
 * Notes the reason and returns FAILURE_STORAGE: `what' is what was being done,
 * or a file; the database's own name is told in any case.
 */
enum failure_code db_fail(struct store *, const char *what);

/*
 * Opens "<database>-lock"; -1 with errno.  It lies where the database does:
 * whoever comes by a symbolic link meets the others there.
 */
int db_open_locks(const struct store *);

/* Whether the last call failed for want of room on the disk. */
bool db_full(const struct store *);

/* The number that a PRAGMA or a SELECT answers; INT_MIN if it does not. */
int db_pragma(struct store *, const char *sql);

/* The bytes of all pages; of those in use only, with some to spare; -1: not to
 * be had. */
int64_t db_size(struct store *, bool used);

/* Whether somebody else made this database, whose user_version is told. */
bool db_foreign(struct store *, int version);

/* Runs the steps of sql/ from a version on, in the caller's transaction. */
enum failure_code db_steps(struct store *, int from);

/*
 * Looks for damage, with `full' also in the indexes, and for rows without
 * their owner; calls `found' with a line for each.
 */
enum failure_code db_look(struct store *, bool full,
    void (*found)(void *, const char *line), void *);

/* A statement ready to be bound, prepared once; NULL on error. */
sqlite3_stmt *db_statement(struct store *, enum statement);

/* As db_statement, with ?1 bound. */
sqlite3_stmt *db_statement_of(struct store *, enum statement, int64_t);

/* Binds a text that outlives the statement's use. */
bool db_bind_text(sqlite3_stmt *, int i, const char *, size_t len);

/*
 * A text of the row that a statement stands at, as sqlite3_column_text; NULL
 * stands for NULL.  Returns false if there is no memory for it.
 */
bool db_column_text(sqlite3_stmt *, int column, const char **, size_t *len);

/* Ends a statement's use; rc is what sqlite3_step returned last. */
enum failure_code db_done(struct store *, sqlite3_stmt *, int rc);

/* Runs a bound statement to its end; *id gets what it RETURNs, if it does. */
enum failure_code db_run(struct store *, sqlite3_stmt *, int64_t *id);

/* Tells how far something has come; see store_watch. */
void db_tell(struct store *, const char *what, int64_t done, int64_t total);

/*
 * The lock in front of writers makes them queue in the kernel, where SQLite
 * alone lets them sleep and try: 50 writers got ten times as much done.
 */
enum failure_code db_lock(struct store *);
void db_unlock(struct store *);

/* Begins a transaction that will write, behind the lock. */
enum failure_code db_begin(struct store *);

/*
 * Ends it: commits if rc is FAILURE_NONE, otherwise rolls back.  Returns rc,
 * or why the commit failed.
 */
enum failure_code db_end(struct store *, enum failure_code rc);

#endif
