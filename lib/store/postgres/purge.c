/*
 * Deletes what is too old.
 */
#include "base/limit.h"
#include "store/knowledge.h"
#include "store/maintain.h"
#include "store/postgres/pg.h"

enum failure_code
store_purge_count(struct store *s, struct purge *p)
{
	s->patience = -1;
	pg_show_progress(s, "counting", 0, 0);
	return store_run(s, STATEMENT_PURGE_COUNT, &p->old,
	    ARGS(ARG_INT(p->before)));
}

/* Runs a statement with three arguments that returns a row of two numbers; both
   are 0 without a row. */
static enum failure_code
pg_purge_run(struct store *s, enum statement which, int64_t first,
    int64_t second, int64_t third, int64_t out[2])
{
	struct store_ids	row = { .count = 0 };
	enum failure_code	rc;

	rc = store_get(s, which, store_ids_add, &row, ARGS(ARG_INT(first),
	    ARG_INT(second), ARG_INT(third)));
	out[0] = row.id[0];
	out[1] = row.other[0];
	return rc;
}

/* Deletes old sessions without an answer.  Takes the ticket's lock meanwhile,
   so that no generation is running for it. */
static enum failure_code
pg_unanswered_session(struct store *s, struct purge *p)
{
	enum failure_code	rc;
	int64_t			next[2] = { 0, 0 }, n;

	while ((rc = pg_purge_run(s, STATEMENT_PURGE_UNANSWERED_NEXT, p->before,
	    next[0], 0, next)) == FAILURE_NONE && next[0] != 0) {
		pg_show_progress(s, "deleting sessions", p->sessions, p->old);
		if ((rc = store_run(s, STATEMENT_PURGE_UNANSWERED, &n,
		    ARGS(ARG_INT(next[0]), ARG_INT(next[1])))) != FAILURE_NONE)
			break;
		*(n == -1 ? &p->running : &p->sessions) += n == -1 ? 1 : n;
	}
	return rc;
}

/*
 * Deletes the old answers, those to questions first: an answer goes when no
 * question about it is left.
 */
static enum failure_code
pg_purge_answers(struct store *s, struct purge *p)
{
	enum failure_code	rc;
	int64_t			gone[2] = { 0, 0 };

	do {
		pg_show_progress(s, "deleting sessions", p->sessions, p->old);
		rc = pg_purge_run(s, STATEMENT_PURGE_SESSIONS, p->before, 0,
		    PURGE_CHUNK, gone);
		p->sessions += gone[1];
	} while (rc == FAILURE_NONE && gone[0] != 0);
	return rc;
}

enum failure_code
store_purge(struct store *s, struct purge *p)
{
	enum failure_code	rc;
	int64_t			gone[2] = { 0, 0 }, ours = 0, before;

	s->patience = -1;
	rc = pg_purge_answers(s, p);
	before = p->sessions;
	if (rc == FAILURE_NONE)
		rc = pg_unanswered_session(s, p);
	/* Some of these may have been questions. */
	if (rc == FAILURE_NONE && p->sessions > before)
		rc = pg_purge_answers(s, p);
	if (rc == FAILURE_NONE && p->tickets)
		rc = pg_run(s, STATEMENT_TICKETS_ARE_OURS, NULL, &ours);
	gone[0] = 0;
	while (rc == FAILURE_NONE && ours != 0) {
		pg_show_progress(s, "deleting tickets", p->emptied, 0);
		rc = pg_purge_run(s, STATEMENT_PURGE_TICKETS, p->before,
		    gone[0], PURGE_CHUNK, gone);
		p->emptied += gone[1];
		if (gone[0] == 0)
			break;
	}
	return rc;
}
