/*
 * Deleting what is too old.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "generations.h"
#include "limit.h"
#include "maintain.h"

/* A statement of three numbers. */
static enum failure_code
run(struct store *s, enum statement which, int64_t a, int64_t b, int64_t c,
    int64_t *out)
{
	sqlite3_stmt	*st;

	if ((st = db_statement_of(s, which, a)) == NULL ||
	    sqlite3_bind_int64(st, 2, b) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 3, c) != SQLITE_OK)
		return db_fail(s, "purge");
	return db_run(s, st, out);
}

enum failure_code
store_purge_count(struct store *s, struct purge *p)
{
	sqlite3_stmt	*st;

	db_tell(s, "counting", 0, 0);
	if ((st = db_statement_of(s, STATEMENT_PURGE_COUNT, p->before)) ==
	    NULL)
		return db_fail(s, "purge");
	return db_run(s, st, &p->old);
}

/*
 * Deletes the next ones behind *last in a transaction of their own: `next'
 * finds the last of them, which is 0 at the end.
 */
static enum failure_code
purge_rows(struct store *s, const struct purge *p, enum statement next,
    enum statement delete, int64_t rows, int64_t *last, int64_t *count)
{
	enum failure_code	rc;
	int64_t			from = *last, gone;

	*last = 0;
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	rc = run(s, next, p->before, from, rows, last);
	if (rc == FAILURE_NONE && *last != 0)
		rc = run(s, delete, p->before, from, *last, NULL);
	gone = rc == FAILURE_NONE && *last != 0 ? sqlite3_changes(s->db) : 0;
	if ((rc = db_end(s, rc)) == FAILURE_NONE)
		*count += gone;
	return rc;
}

/* As many of them at a time as the disk has room for in the log. */
static enum failure_code
purge_chunk(struct store *s, const struct purge *p, enum statement next,
    enum statement delete, int64_t *last, int64_t *count)
{
	const int64_t		from = *last;
	enum failure_code	rc;
	int64_t			rows = PURGE_CHUNK;

	while ((rc = purge_rows(s, p, next, delete, rows, last, count)) !=
	    FAILURE_NONE && s->full && rows > 1) {
		rows /= 8;
		rows = rows < 1 ? 1 : rows;
		*last = from;
		(void)store_cut(s);	/* what is in it is needed no more */
		s->full = false;
	}
	return rc;
}

/* Deletes a session without an answer, unless a generation works on it. */
static enum failure_code
purge_unanswered(struct store *s, struct purge *p, int64_t session,
    int64_t ticket)
{
	enum failure_code	 rc;
	sqlite3_stmt		*st;
	int			 claim;

	if ((claim = generations_hold(p->run_dir, ticket)) == -1) {
		if (errno == EBUSY) {
			p->running++;
			return FAILURE_NONE;
		}
		(void)snprintf(s->error, sizeof(s->error), "%s: %s",
		    p->run_dir, strerror(errno));
		return FAILURE_STORAGE;
	}
	if ((rc = db_begin(s)) == FAILURE_NONE) {
		if ((st = db_statement_of(s, STATEMENT_PURGE_UNANSWERED,
		    session)) == NULL)
			rc = db_fail(s, "purge");
		else
			rc = db_run(s, st, NULL);
		if (rc == FAILURE_NONE)
			p->sessions += sqlite3_changes(s->db);
		rc = db_end(s, rc);
	}
	(void)close(claim);
	return rc;
}

/* Finds the next session behind *id that has no answer; 0: there is none. */
static enum failure_code
next_unanswered(struct store *s, const struct purge *p, int64_t *id,
    int64_t *ticket)
{
	sqlite3_stmt	*st;
	int64_t		 from = *id;
	int		 rc;

	*id = 0;
	if ((st = db_statement_of(s, STATEMENT_PURGE_UNANSWERED_NEXT,
	    p->before)) == NULL || sqlite3_bind_int64(st, 2, from) !=
	    SQLITE_OK)
		return db_fail(s, "purge");
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		*id = sqlite3_column_int64(st, 0);
		*ticket = sqlite3_column_int64(st, 1);
	}
	return db_done(s, st, rc);
}

enum failure_code
store_purge(struct store *s, struct purge *p)
{
	enum failure_code	rc;
	int64_t			last = 0, ticket = 0;

	do {
		db_tell(s, "deleting sessions", p->sessions, p->old);
		rc = purge_chunk(s, p, STATEMENT_PURGE_SESSIONS_NEXT,
		    STATEMENT_PURGE_SESSIONS, &last, &p->sessions);
	} while (rc == FAILURE_NONE && last != 0);
	while (rc == FAILURE_NONE && (rc = next_unanswered(s, p, &last,
	    &ticket)) == FAILURE_NONE && last != 0) {
		db_tell(s, "deleting sessions", p->sessions, p->old);
		rc = purge_unanswered(s, p, last, ticket);
	}
	last = 0;
	while (rc == FAILURE_NONE && p->tickets) {
		db_tell(s, "deleting tickets", p->emptied, 0);
		rc = purge_chunk(s, p, STATEMENT_PURGE_TICKETS_NEXT,
		    STATEMENT_PURGE_TICKETS, &last, &p->emptied);
		if (last == 0)
			break;
	}
	return rc;
}
