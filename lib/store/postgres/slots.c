/*
 * The slots of the upstreams, as rows of TicketAIRuns.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/slot.h"
#include "store/postgres/runs.h"

int
slots_enter(struct node *n, struct slot *s)
{
	(void)s;
	if (n->state == NODE_OURS && n->want != WANT_QUEUED) {
		n->want = WANT_QUEUED;
		n->server = -1;
		n->place = 0;
		runs_now(n);
	}
	return 0;
}

int
slots_try(struct node *n, struct slot *s, const struct slots_server *list,
    int count, int max)
{
	n->count = count < SERVERS_MAX ? count : SERVERS_MAX;
	memcpy(n->list, list, (size_t)n->count * sizeof(*list));
	n->most = max;
	if (!n->asked) {
		n->asked = true;
		runs_now(n);
		node_step(n, clock_us());
	}
	if (n->failure == FAILURE_QUEUE_FULL)
		return SLOT_FULL;
	if (n->state == NODE_OVER)
		return -2;
	if (n->state != NODE_OURS)
		return SLOT_ASKING;
	if (n->server >= 0) {
		s->server = n->server;
		return 0;
	}
	return n->place > 0 ? n->place : SLOT_ASKING;
}

int
slots_take(struct node *n, const struct slots_server *list, int count,
    int ahead)
{
	(void)ahead;
	n->count = count < SERVERS_MAX ? count : SERVERS_MAX;
	memcpy(n->list, list, (size_t)n->count * sizeof(*list));
	runs_wait(n, LOADED_TIMEOUT);	/* for the call under way */
	if (n->call != CALL_NONE || n->want != WANT_RUNNING)
		return -1;
	n->want = WANT_MOVE;
	n->moved = -1;
	runs_now(n);
	runs_wait(n, LOADED_TIMEOUT);
	n->want = WANT_RUNNING;		/* if the call took too long, we stay
					   where we are */
	return n->moved;
}

void
slots_release(struct node *n)
{
	(void)n;	/* the next call (to queue, save or end) releases it */
}

/* Counts the active runs of all nodes. */
static enum failure_code
pg_count_runs(struct store *s, int *running, int *waiting)
{
	PGresult		*res;
	enum failure_code	 rc;
	int			 i;

	if ((rc = pg_query(s, STATEMENT_RUNS, NULL, &res)) != FAILURE_NONE)
		return rc;
	for (i = 0; i < PQntuples(res); i++)
		++*(strcmp(PQgetvalue(res, i, 2), "queued") == 0 ? waiting :
		    running);
	PQclear(res);
	return rc;
}

int
slots_counts(const struct settings *settings, int *running, int *waiting,
    char *error, size_t size)
{
	struct store		*s;
	enum failure_code	 rc;

	*running = *waiting = 0;
	rc = store_open(&s, settings->text[SETTING_DATABASE]);
	if (rc == FAILURE_NONE)
		rc = pg_count_runs(s, running, waiting);
	if (rc != FAILURE_NONE)
		(void)snprintf(error, size, "%s", store_error(s));
	store_close(s);
	return rc == FAILURE_NONE ? 0 : -1;
}
