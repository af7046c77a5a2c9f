/*
 * The node that follows: it brings what another one generates.
 */
#include <string.h>

#include "among.h"
#include "clock.h"
#include "limit.h"

/* Connects anew where the connection is gone; false: not yet. */
static bool
connected(struct node *n)
{
	struct store	*s = n->store;
	struct pg_args	 a = { .count = 0 };

	if (!s->broken && PQstatus(s->db) == CONNECTION_OK)
		return true;
	if (n->given_up == 0)
		n->given_up = clock_us() + NODE_PATIENCE * INT64_C(1000);
	n->lost = clock_us() >= n->given_up;
	PQreset(s->db);
	if (PQstatus(s->db) != CONNECTION_OK)
		return false;
	s->broken = false;
	(void)PQsetnonblocking(s->db, 1);
	pg_int(&a, n->ticket);
	if (pg_script(s, store_statements[STATEMENT_OPEN]) != FAILURE_NONE ||
	    pg_run(s, STATEMENT_TICKET_LISTEN, &a, NULL) != FAILURE_NONE)
		return false;
	among_watch(n);
	n->given_up = n->join = n->missing = 0;
	n->news = true;
	return !n->lost;
}

/* Whether something that was said is about frames. */
static void
hear(struct node *n)
{
	PGnotify	*note;

	(void)PQconsumeInput(n->store->db);
	while ((note = PQnotifies(n->store->db)) != NULL) {
		n->news |= note->extra[0] >= '0' && note->extra[0] <= '9';
		PQfreemem(note);
	}
}

/* Brings the frames that are new; tells how many rows were of use. */
static int
bring(struct node *n)
{
	struct pg_args	 a = { .count = 0 };
	PGresult	*res;
	int64_t		 run;
	int		 i, seq;

	n->news = false;
	pg_int(&a, n->session);
	pg_int(&a, n->run);
	pg_int(&a, n->seq);
	if (pg_query(n->store, STATEMENT_FRAMES, &a, &res) != FAILURE_NONE)
		return 0;
	for (i = 0; i < PQntuples(res) && !n->lost; i++) {
		run = pg_number(res, i, 0);
		seq = (int)pg_number(res, i, 1);
		/* Another try to answer, or a piece that is missing. */
		if ((n->run != 0 && run != n->run) || seq != n->seq + 1) {
			n->lost = n->run != 0;
			break;
		}
		n->run = run;
		n->seq = seq;
		if (PQgetlength(res, i, 2) > 0)
			n->taker.frames(n->taker.context,
			    PQgetvalue(res, i, 2),
			    (size_t)PQgetlength(res, i, 2));
		if (PQgetlength(res, i, 3) > 0)
			n->taker.status(n->taker.context,
			    PQgetvalue(res, i, 3),
			    (size_t)PQgetlength(res, i, 3));
	}
	PQclear(res);
	return i;
}

/*
 * Whether the owner is gone: the ticket is to be had, and was for a while, or
 * needs no owner.  One whose connection broke is given the time to come back.
 */
static bool
gone(struct node *n, int64_t now)
{
	struct pg_args	a = { .count = 0 };
	int64_t		held, run;

	pg_int(&a, n->ticket);
	if (!n->entered) {
		if (pg_run(n->store, STATEMENT_TICKET_HELD, &a, &held) !=
		    FAILURE_NONE)
			return false;
		if (held != 0)
			n->missing = 0;
		else if (n->missing == 0)
			n->missing = now;
		if (n->missing == 0 ||
		    now < n->missing + NODE_GRACE * INT64_C(1000))
			return false;
	}
	/* Who held it as we came may have been a chat, for a moment. */
	n->entered = false;
	if (!among_take(n, &run) || run == 0)
		return false;
	/* He may have told the rest just before. */
	(void)bring(n);
	return true;
}

void
follower_step(struct node *n, int64_t now)
{
	bool	late = now >= n->due;

	if (n->lost)
		return;
	n->due = now + NODE_TICK * INT64_C(1000);
	if (!connected(n)) {
		n->due = now + NODE_PAUSE * INT64_C(1000);
		return;
	}
	hear(n);
	if ((n->news || late) && bring(n) == 0 && late)
		n->lost |= gone(n, now);
	/* So he goes on telling; a new one who has the ticket begins to. */
	if (!n->lost && now >= n->join && among_say(n, "join") &&
	    (!n->stop || among_say(n, "stop")))
		n->join = now + NODE_JOIN * INT64_C(1000);
	/* What came with the answers above wakes nobody. */
	hear(n);
	if (n->news)
		n->due = now;
}
