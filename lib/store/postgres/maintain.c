/*
 * Deletes tickets and users without a trace, and checks for faults.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "store/knowledge.h"
#include "store/maintain.h"
#include "store/postgres/pg.h"

enum {			/* milliseconds */
	STOP_PAUSE = 100,	/* between two looks */
	FORGET_TIMEOUT = 25000	/* a lease, and time to end */
};

void
store_watch(struct store *s, void (*progress)(void *, const char *, int64_t,
    int64_t), void *context)
{
	s->progress = progress;
	s->progress_context = context;
	s->progress_what = "working";
}

enum failure_code
store_forget_room(struct store *s)
{
	(void)s;	/* the disk is the server's */
	return FAILURE_NONE;
}

void
store_reserve(const char *database)
{
	(void)database;
}

bool
store_release(const char *database)
{
	(void)database;
	return false;
}

enum failure_code
store_cut(struct store *s)
{
	(void)s;	/* the server manages its log itself */
	return FAILURE_NONE;
}

enum failure_code
store_runs(struct store *s, store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_RUNS, row, ctx, NO_ARGS);
}

/* Stops a ticket's generation on any machine, and deletes the ticket. */
static enum failure_code
pg_delete(struct store *s, int64_t ticket, int64_t *found)
{
	const int64_t		 until = clock_us() + FORGET_TIMEOUT *
				    INT64_C(1000);
	enum failure_code	 rc;
	bool			 heard;

	for (;;) {
		rc = store_stop(s, ticket, true, &heard);
		if (rc == FAILURE_NONE)
			rc = store_run(s, STATEMENT_FORGET, found,
			    ARGS(ARG_INT(ticket)));
		if (rc != FAILURE_NONE || *found != -1)
			return rc;
		if (clock_us() > until)
			return pg_refuse(s, FAILURE_STORAGE, "the generation "
			    "of ticket %lld does not end", (long long)ticket);
		pg_show_progress(s, "stopping the generation", 0, 0);
		(void)usleep(STOP_PAUSE * 1000);
	}
}

/* Rewrites tables until the rows that were deleted before are gone. */
static enum failure_code
pg_vacuum(struct store *s, enum statement tables, enum statement proof)
{
	const int64_t		until = clock_us() + CUT_TIMEOUT *
				    INT64_C(1000);
	enum failure_code	rc;
	int64_t			transaction, clean = 0;

	if ((rc = pg_run(s, STATEMENT_TRANSACTION, NULL, &transaction)) !=
	    FAILURE_NONE)
		return rc;
	while ((rc = pg_alone(s, tables, NULL, NULL)) == FAILURE_NONE &&
	    (rc = store_run(s, proof, &clean, ARGS(ARG_INT(transaction)))) ==
	    FAILURE_NONE && clean == 0) {
		if (clock_us() > until)
			return pg_refuse(s, FAILURE_STORAGE, "deleted, but "
			    "PostgreSQL still needs its bytes for a long "
			    "transaction in this database or for a standby; "
			    "forget the ticket again when that has ended");
		(void)usleep(STOP_PAUSE * 1000);
	}
	return rc;
}

enum failure_code
store_forget(struct store *s, int64_t ticket,
    enum failure_code (*sweep)(struct store *), bool *found)
{
	enum failure_code	rc;
	int64_t			there;

	*found = false;
	s->patience = -1;
	if ((rc = pg_delete(s, ticket, &there)) != FAILURE_NONE)
		return rc;
	*found = there != 0;
	if ((rc = sweep(s)) != FAILURE_NONE)
		return rc;
	/* Rewrite the tables even if the ticket was not found: an earlier try
	   may have been killed after deleting it. */
	pg_show_progress(s, "rewriting the tables", 0, 0);
	return pg_vacuum(s, STATEMENT_VACUUM, STATEMENT_VACUUMED);
}

/* The hash by which TicketAIRuns and TicketAIRatings know a user. */
static enum failure_code
pg_hash_user(struct store *s, const char *who, char hash[TEXT_HASH + 1],
    struct pg_args *a)
{
	const char		*user = store_user(who);
	enum failure_code	rc;

	if ((rc = store_text_hash(s, who, strlen(who), hash)) == FAILURE_NONE)
		pg_text(a, hash, TEXT_HASH);
	/* Ratings use the name without this prefix. */
	if (user == NULL)
		user = who;
	pg_text(a, user, strlen(user));
	return rc;
}

enum failure_code
store_forget_user(struct store *s, const char *who,
    enum failure_code (*sweep)(struct store *))
{
	char			hash[TEXT_HASH + 1];
	struct pg_args		a = { .count = 0 };
	enum failure_code	rc;
	int64_t			rows;

	s->patience = -1;
	if ((rc = pg_hash_user(s, who, hash, &a)) != FAILURE_NONE ||
	    (rc = pg_run(s, STATEMENT_FORGET_USER, &a, NULL)) !=
	    FAILURE_NONE || (rc = pg_run(s, STATEMENT_USER_WRITTEN, NULL,
	    &rows)) != FAILURE_NONE || (rc = sweep(s)) != FAILURE_NONE)
		return rc;
	pg_show_progress(s, "rewriting the tables", 0, 0);
	if (rows == 0)
		return pg_vacuum(s, STATEMENT_VACUUM_RUNS,
		    STATEMENT_VACUUMED_RUNS);
	/* The large tables only if they named the user. */
	rc = pg_vacuum(s, STATEMENT_VACUUM, STATEMENT_VACUUMED);
	return rc != FAILURE_NONE ? rc :
	    pg_run(s, STATEMENT_USER_CLEAR, NULL, NULL);
}

enum failure_code
store_user_left(struct store *s, const char *who, int64_t *rows)
{
	char			hash[TEXT_HASH + 1];
	struct pg_args		a = { .count = 0 };
	enum failure_code	rc;

	*rows = 0;
	if ((rc = pg_hash_user(s, who, hash, &a)) != FAILURE_NONE)
		return rc;
	pg_text(&a, who, strlen(who));
	return pg_run(s, STATEMENT_USER_LEFT, &a, rows);
}

enum failure_code
store_check(struct store *s, bool full, struct census *c,
    void (*found)(void *, const char *), void *context)
{
	enum failure_code	rc;

	/* For indexes the server has amcheck. */
	memset(c, 0, sizeof(*c));
	pg_show_progress(s, "reading every text", 0, 0);
	rc = store_faults(s, STATEMENT_CHECK, found, context);
	if (rc == FAILURE_NONE)
		rc = store_run(s, STATEMENT_CHECK_READ, NULL, NO_ARGS);
	/* A fault is what the server cannot read, not a lost connection. */
	if (rc != FAILURE_NONE && PQstatus(s->db) == CONNECTION_OK) {
		found(context, s->error);
		return FAILURE_NONE;
	}
	if (rc == FAILURE_NONE)
		rc = store_knowledge_check(s, full, found, context);
	if (rc == FAILURE_NONE)
		rc = store_census(s, c);
	return rc;
}
