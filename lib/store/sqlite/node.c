/*
 * The only node: the ticket's claim keeps all others from generating.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limit.h"
#include "store/slots.h"
#include "store/sqlite/alone.h"
#include "store/sqlite/db.h"

enum failure_code
node_open(struct node **out, const struct node_wish *wish)
{
	struct node	*n;

	if ((*out = n = calloc(1, sizeof(*n))) == NULL)
		return FAILURE_INTERNAL;
	n->settings = wish->settings;
	n->session = wish->session;
	n->question = wish->follows != 0;
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

enum node_state
node_state(const struct node *n)
{
	(void)n;
	return NODE_OURS;
}

int64_t
node_session(const struct node *n)
{
	return n->session;
}

void
node_theirs(const struct node *n, char text_hash[TEXT_HASH + 1],
    char instruction_hash[TEXT_HASH + 1])
{
	(void)n;
	text_hash[0] = instruction_hash[0] = '\0';
}

enum frame_state
node_shows(const struct node *n)
{
	(void)n;
	return FRAME_QUEUED;
}

enum failure_code
node_failure(const struct node *n)
{
	(void)n;
	return FAILURE_NONE;
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

void
node_viewers(struct node *n, bool here)
{
	(void)n;
	(void)here;
}

bool
node_watched(const struct node *n)
{
	(void)n;
	return false;
}

void
node_say_stop(struct node *n)
{
	(void)n;
}

enum failure_code
node_save(struct node *n, const struct answered *all, int64_t *versions)
{
	enum failure_code	rc;

	*versions = 0;
	/* Opened only now, so that a waiting generation has no memory for
	   SQLite.  Opened again for each try, since the file may have been
	   replaced. */
	store_close(n->store);
	rc = db_open(&n->store, n->settings->text[SETTING_DATABASE],
	    SAVE_TRY);
	return rc != FAILURE_NONE ? rc : store_update_response(n->store,
	    n->session, all, versions);
}

bool
node_again(const struct node *n)
{
	return n->store != NULL && n->store->busy;
}

bool
node_saved(const struct node *n)
{
	(void)n;
	return false;
}

void
node_hurry(struct node *n)
{
	(void)n;
}

void
node_release(struct node *n, enum failure_code code)
{
	if (n == NULL)
		return;
	store_close(n->store);
	n->store = NULL;
	/* If this fails, a purge deletes the row. */
	if (n->question && code != FAILURE_NONE &&
	    store_open(&n->store, n->settings->text[SETTING_DATABASE]) ==
	    FAILURE_NONE)
		(void)store_question_delete(n->store, n->session);
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
