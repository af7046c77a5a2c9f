/*
 * A node that is alone: the ticket's claim has seen to it that nobody else
 * generates.
 */
#include <stdlib.h>

#include "alone.h"
#include "clock.h"
#include "db.h"
#include "limit.h"
#include "slots.h"

enum failure_code
node_open(struct node **out, const struct settings *s, int64_t ticket,
    int64_t session, const struct node_taker *taker)
{
	struct node	*n;

	(void)ticket;
	(void)session;
	(void)taker;
	if ((*out = n = calloc(1, sizeof(*n))) == NULL)
		return FAILURE_INTERNAL;
	n->settings = s;
	n->slots = -1;
	n->slot = -1;
	return FAILURE_NONE;
}

const char *
node_error(const struct node *n)
{
	if (n == NULL)
		return "no memory";
	return n->store == NULL ? n->error : store_error(n->store);
}

enum node_role
node_enter(struct node *n)
{
	(void)n;
	return NODE_OWNER;
}

int
node_fd(const struct node *n)
{
	(void)n;
	return -1;
}

int64_t
node_deadline(const struct node *n)
{
	(void)n;
	return CLOCK_NEVER;
}

void
node_step(struct node *n, int64_t now)
{
	(void)n;
	(void)now;
}

bool
node_stopped(const struct node *n)
{
	(void)n;
	return false;
}

bool
node_watched(const struct node *n)
{
	(void)n;
	return false;
}

bool
node_lost(const struct node *n)
{
	(void)n;
	return false;
}

void
node_publish(struct node *n, const struct buf *frames, const char *status)
{
	(void)n;
	(void)frames;
	(void)status;
}

void
node_say_stop(struct node *n)
{
	(void)n;
}

enum failure_code
node_store(struct node *n, struct store **store)
{
	enum failure_code	rc;

	/* Opened only now: a waiting generation has no SQLite in it.  Anew for
	 * each try, since the file may be another one by then. */
	store_close(n->store);
	rc = db_open(&n->store, n->settings->text[SETTING_DATABASE],
	    SAVE_TRY);
	*store = n->store;
	return rc;
}

bool
node_again(struct node *n)
{
	return n->store != NULL && n->store->busy;
}

void
node_release(struct node *n)
{
	if (n == NULL)
		return;
	store_close(n->store);
	n->store = NULL;
}

void
node_close(struct node *n)
{
	if (n == NULL)
		return;
	store_close(n->store);
	slots_release(n);
	free(n);
}
