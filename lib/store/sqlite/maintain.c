/*
 * Deletes tickets and users without a trace, and checks for damage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "store/knowledge.h"
#include "store/maintain.h"
#include "store/sqlite/db.h"
#include "store/sqlite/room.h"
#include "store/store.h"

/* Instructions of SQLite's virtual machine between two calls: a few ms. */
enum { PROGRESS_STEPS = 100000 };

static int
db_maintain_progress(void *context)
{
	const struct store	*s = context;

	s->progress(s->progress_context, s->progress_what, 0, 0);
	return 0;
}

void
store_watch(struct store *s, void (*watch)(void *, const char *, int64_t,
    int64_t), void *context)
{
	s->progress = watch;
	s->progress_context = context;
	s->progress_what = "working";
	sqlite3_progress_handler(s->db, PROGRESS_STEPS, watch == NULL ? NULL :
	    db_maintain_progress, s);
}

void
db_progress(struct store *s, const char *what, int64_t done, int64_t total)
{
	s->progress_what = what;
	if (s->progress != NULL)
		s->progress(s->progress_context, what, done, total);
}

enum failure_code
store_cut(struct store *s)
{
	const int64_t	deadline = clock_us() + CUT_TIMEOUT * INT64_C(1000);
	int		rc;

	db_progress(s, "truncating the database's log", 0, 0);
	do {
		/* This call waits up to STORE_TIMEOUT itself. */
		rc = sqlite3_wal_checkpoint_v2(s->db, NULL,
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	} while ((rc & 0xff) == SQLITE_BUSY && clock_us() < deadline);
	return rc == SQLITE_OK ? FAILURE_NONE :
	    db_fail(s, "the log (-wal) could not be truncated");
}

enum failure_code
store_forget_room(struct store *s)
{
	const int64_t	bytes = db_size(s, true);

	/* Room for a copy (unless that goes to SQLITE_TMPDIR) and for the
	   log. */
	return bytes == -1 ? FAILURE_NONE : room_need(s, s->path,
	    (getenv("SQLITE_TMPDIR") == NULL ? 2 : 1) * bytes -
	    room_reserved(s->path));
}

enum failure_code
store_runs(struct store *s, store_row *row, void *ctx)
{
	(void)s;
	(void)row;
	(void)ctx;
	return FAILURE_NONE;
}

/*
 * Rewrites the file and truncates its log, so that no byte of deleted data is
 * left.  `what' begins the reason if that fails.
 */
static enum failure_code
db_leave_nothing(struct store *s, const char *what)
{
	enum failure_code	 rc;
	char			 why[sizeof(s->error)];

	if ((rc = db_lock(s)) != FAILURE_NONE)
		return rc;
	db_progress(s, "rewriting the database", 0, 0);
	rc = store_run(s, STATEMENT_VACUUM, NULL, NO_ARGS);
	db_unlock(s);
	if (rc == FAILURE_NONE)
		rc = store_cut(s);
	if (rc != FAILURE_NONE) {
		(void)snprintf(why, sizeof(why), "%s", s->error);
		(void)snprintf(s->error, sizeof(s->error), "%s deleted, but "
		    "some bytes may be left in the file: forget it again. "
		    "%.900s", what, why);
	}
	return rc;
}

/* The tables that name users: ratings, sessions, generations. */
enum { USER_TABLES = 3 };

/* Runs a statement about a user: the name, and its hash. */
static enum failure_code
db_user(struct store *s, enum statement which, const char *who, int64_t *rows)
{
	const char		*user = store_user(who);
	char			 hash[TEXT_HASH + 1];
	enum failure_code	 rc;

	if (user == NULL)
		user = who;
	if ((rc = store_text_hash(s, who, strlen(who), hash)) != FAILURE_NONE)
		return rc;
	return store_run(s, which, rows, ARGS(ARG_TEXT(user, strlen(user)),
	    ARG_TEXT(hash, TEXT_HASH)));
}

/* Runs several of them in a transaction. */
static enum failure_code
db_change_user(struct store *s, const enum statement which[USER_TABLES],
    const char *who)
{
	enum failure_code	rc;
	int			i;

	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	for (i = 0; i < USER_TABLES && rc == FAILURE_NONE; i++)
		rc = db_user(s, which[i], who, NULL);
	return db_end(s, rc);
}

/*
 * The rows are deleted, or lose the hash, last: a call after an interrupted one
 * finds them by the hash, and rewrites the file.
 */
enum failure_code
store_forget_user(struct store *s, const char *who,
    enum failure_code (*sweep)(struct store *))
{
	static const enum statement	hide[USER_TABLES] = {
		STATEMENT_USER_HIDE, STATEMENT_USER_HIDE_AUTHOR,
		STATEMENT_USER_HIDE_ASKER
	};
	static const enum statement	delete[USER_TABLES] = {
		STATEMENT_USER_DELETE, STATEMENT_USER_DELETE_AUTHOR,
		STATEMENT_USER_DELETE_ASKER
	};
	enum failure_code		rc;
	int64_t				rows = 0;

	rc = db_change_user(s, hide, who);
	if (rc == FAILURE_NONE)
		rc = store_user_left(s, who, &rows);
	if (rc != FAILURE_NONE || rows == 0 || (rc = sweep(s)) != FAILURE_NONE)
		return rc;
	rc = db_leave_nothing(s, "the name is");
	return rc != FAILURE_NONE ? rc : db_change_user(s, delete, who);
}

enum failure_code
store_user_left(struct store *s, const char *who, int64_t *rows)
{
	*rows = 0;
	return db_user(s, STATEMENT_USER_LEFT, who, rows);
}

enum failure_code
store_forget(struct store *s, int64_t ticket,
    enum failure_code (*sweep)(struct store *), bool *found)
{
	enum failure_code	rc;

	/* Rewrite the file even if the ticket was not found: an earlier try may
	   have been killed after deleting it. */
	if ((rc = store_delete(s, ticket, found)) != FAILURE_NONE ||
	    (rc = sweep(s)) != FAILURE_NONE)
		return rc;
	return db_leave_nothing(s, "the ticket is");
}

void
store_texts_of_copy(const char *file, int64_t ticket, void (*text)(void *,
    int64_t, const char *, size_t), void *context)
{
	struct store	*s;

	if ((s = db_make(file)) != NULL &&
	    db_connect(s, SQLITE_OPEN_READONLY) == FAILURE_NONE)
		(void)store_texts(s, ticket, text, context);
	store_close(s);
}

enum failure_code
db_check(struct store *s, bool full, void (*found)(void *, const char *),
    void *context)
{
	enum failure_code	rc;
	bool			there;

	db_progress(s, "reading every page", 0, 0);
	rc = store_faults(s, full ? STATEMENT_CHECK_FULL :
	    STATEMENT_CHECK_QUICK, found, context);
	if (rc == FAILURE_NONE)
		rc = store_faults(s, STATEMENT_CHECK_OWNERS, found, context);
	if (rc != FAILURE_NONE || !store_has_ratings(s))
		return rc;
	rc = store_faults(s, STATEMENT_CHECK_RATINGS, found, context);
	if (rc == FAILURE_NONE)
		rc = store_knowledge_there(s, &there);
	if (rc == FAILURE_NONE && there)
		rc = store_faults(s, STATEMENT_CHECK_SOURCES, found, context);
	return rc != FAILURE_NONE ? rc :
	    store_faults(s, STATEMENT_CHECK_THREADS, found, context);
}

/* The callback for texts that are not UTF-8. */
struct maintain_texts {
	void	(*found)(void *, const char *);
	void	*context;
};

static void
db_maintain_check_text(void *context, int64_t session, const char *s,
    size_t len)
{
	const struct maintain_texts	*l = context;
	char			 line[80];

	if (s != NULL && utf8_valid(s, len))
		return;
	(void)snprintf(line, sizeof(line), "session %" PRId64 ": a text is not "
	    "UTF-8", session);
	l->found(l->context, line);
}

/* Checks the notes and their index, if there are any. */
static enum failure_code
db_check_knowledge(struct store *s, bool full, void (*found)(void *,
    const char *), void *context)
{
	enum failure_code	rc;
	bool			there;

	rc = store_knowledge_there(s, &there);
	return rc != FAILURE_NONE || !there ? rc :
	    store_knowledge_check(s, full, found, context);
}

enum failure_code
store_check(struct store *s, bool full, struct census *c,
    void (*found)(void *, const char *), void *context)
{
	struct maintain_texts		l = { found, context };
	enum failure_code	rc;

	memset(c, 0, sizeof(*c));
	if ((rc = db_check(s, full, found, context)) == FAILURE_NONE) {
		db_progress(s, "reading every text", 0, 0);
		rc = store_texts(s, 0, db_maintain_check_text, &l);
	}
	if (rc == FAILURE_NONE)
		rc = db_check_knowledge(s, full, found, context);
	if (rc == FAILURE_NONE)
		rc = store_census(s, c);
	if (rc != FAILURE_NONE && (sqlite3_errcode(s->db) & 0xff) ==
	    SQLITE_CORRUPT) {
		found(context, s->error);
		rc = FAILURE_NONE;
	}
	return rc;
}
