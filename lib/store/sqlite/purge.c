/*
 * Deletes what is too old.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "store/maintain.h"
#include "store/sqlite/db.h"

/* How long a transaction of a purge may go on to take more sessions, in ms. */
#define PURGE_MOMENT	50

/* A batch of rows to delete. */
struct purge_batch {
	int	count;
	struct {
		int64_t	id, ticket;
	}	row[PURGE_CHUNK];
};

enum failure_code
store_purge_count(struct store *s, struct purge *p)
{
	db_progress(s, "counting", 0, 0);
	return store_run(s, STATEMENT_PURGE_COUNT, &p->old,
	    ARGS(ARG_INT(p->before)));
}

/* Finds the next batch after an id, without a lock that writers need. */
static enum failure_code
db_find(struct store *s, const struct purge *p, enum statement next,
    int64_t behind, struct purge_batch *f)
{
	sqlite3_stmt	*st;
	int		 rc;

	f->count = 0;
	if ((st = db_bound(s, next, ARGS(ARG_INT(p->before), ARG_INT(behind),
	    ARG_INT(PURGE_CHUNK)))) == NULL)
		return db_fail(s, "purge");
	while ((rc = sqlite3_step(st)) == SQLITE_ROW &&
	    f->count < PURGE_CHUNK) {
		f->row[f->count].id = sqlite3_column_int64(st, 0);
		f->row[f->count++].ticket = sqlite3_column_int64(st, 1);
	}
	return db_done(s, st, rc);
}

/*
 * Deletes rows of the batch, from *from on, in a short transaction; checks each
 * row's age again.
 */
static enum failure_code
db_purge_delete(struct store *s, const struct purge *p, enum statement delete,
    const struct purge_batch *f, int rows, int *from, int64_t *count)
{
	const int64_t		 until = clock_us() + PURGE_MOMENT *
				    INT64_C(1000);
	enum failure_code	 rc;
	const int		 begin = *from;
	int64_t			 deleted = 0;

	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	do {
		rc = store_run(s, delete, NULL, ARGS(ARG_INT(p->before),
		    ARG_INT(f->row[*from].id)));
		if (rc == FAILURE_NONE)
			deleted += sqlite3_changes(s->db);
	} while (rc == FAILURE_NONE && ++*from < f->count &&
	    *from - begin < rows && clock_us() < until);
	if ((rc = db_end(s, rc)) == FAILURE_NONE)
		*count += deleted;
	else
		*from = begin;
	return rc;
}

/* Finds a batch and deletes it.  Sets *last to the last id found, 0: none. */
static enum failure_code
db_purge_batch(struct store *s, const struct purge *p, enum statement next,
    enum statement delete, int64_t *last, int64_t *count)
{
	enum failure_code	rc;
	struct purge_batch		f;
	int			from = 0, rows = PURGE_CHUNK;

	rc = db_find(s, p, next, *last, &f);
	*last = rc == FAILURE_NONE && f.count > 0 ? f.row[f.count - 1].id : 0;
	while (rc == FAILURE_NONE && from < f.count) {
		rc = db_purge_delete(s, p, delete, &f, rows, &from, count);
		if (rc == FAILURE_NONE || !s->full || rows == 1)
			continue;
		/* On a full disk, delete as many at a time as the log has room
		   for. */
		rows = rows > 8 ? rows / 8 : 1;
		(void)store_cut(s);
		s->full = false;
		rc = FAILURE_NONE;
	}
	return rc;
}

/* Deletes a session without an answer unless a generation runs for it. */
static enum failure_code
db_unanswered_session(struct store *s, struct purge *p, int64_t session,
    int64_t ticket)
{
	enum failure_code	 rc;
	int			 claim;

	if ((claim = p->hold(p->run_dir, ticket)) == -1) {
		if (errno == EBUSY) {
			p->running++;
			return FAILURE_NONE;
		}
		(void)snprintf(s->error, sizeof(s->error), "%s: %s",
		    p->run_dir, strerror(errno));
		return FAILURE_STORAGE;
	}
	if ((rc = db_begin(s)) == FAILURE_NONE) {
		rc = store_run(s, STATEMENT_PURGE_UNANSWERED, NULL,
		    ARGS(ARG_INT(session)));
		if (rc == FAILURE_NONE)
			p->sessions += sqlite3_changes(s->db);
		rc = db_end(s, rc);
	}
	(void)close(claim);
	return rc;
}

/* Deletes the old sessions without an answer. */
static enum failure_code
db_purge_unanswered(struct store *s, struct purge *p)
{
	enum failure_code	rc;
	struct purge_batch		f;
	int64_t			last = 0;
	int			i;

	while ((rc = db_find(s, p, STATEMENT_PURGE_UNANSWERED_NEXT, last,
		    &f)) == FAILURE_NONE &&
	    f.count > 0) {
		db_progress(s, "deleting sessions", p->sessions, p->old);
		for (i = 0; i < f.count && rc == FAILURE_NONE; i++)
			rc = db_unanswered_session(s, p, f.row[i].id,
			    f.row[i].ticket);
		if (rc != FAILURE_NONE)
			break;
		last = f.row[f.count - 1].id;
	}
	return rc;
}

/*
 * Deletes the old answers, those to questions first: an answer goes when no
 * question about it is left.
 */
static enum failure_code
db_purge_answers(struct store *s, struct purge *p)
{
	enum failure_code	rc;
	int64_t			last, before;

	do {
		db_progress(s, "deleting sessions", p->sessions, p->old);
		before = p->sessions;
		last = 0;	/* start over: deleted rows are not found
				   again */
		rc = db_purge_batch(s, p, STATEMENT_PURGE_SESSIONS_NEXT,
		    STATEMENT_PURGE_SESSION, &last, &p->sessions);
	} while (rc == FAILURE_NONE && p->sessions > before);
	return rc;
}

enum failure_code
store_purge(struct store *s, struct purge *p)
{
	enum failure_code	rc;
	int64_t			last = 0, before;

	rc = db_purge_answers(s, p);
	before = p->sessions;
	if (rc == FAILURE_NONE)
		rc = db_purge_unanswered(s, p);
	/* Some of these may have been questions. */
	if (rc == FAILURE_NONE && p->sessions > before)
		rc = db_purge_answers(s, p);
	while (rc == FAILURE_NONE && p->tickets) {
		db_progress(s, "deleting tickets", p->emptied, 0);
		rc = db_purge_batch(s, p, STATEMENT_PURGE_TICKETS_NEXT,
		    STATEMENT_PURGE_TICKET, &last, &p->emptied);
		if (last == 0)
			break;
	}
	return rc;
}
