/*
 * Keeping the whole answer: a database that is busy, or out of reach, is waited
 * for, while viewers are served as before.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "generation/answer.h"
#include "store/slots.h"
#include "store/store.h"

/* Serves the viewers until then, or until there is news, or we are to end.
 * Their `stop' changes nothing any more: the answer is whole. */
static void
serve(struct answer *a, int64_t until)
{
	int64_t	now;

	while ((now = clock_us()) < until && !a->hub.terminate &&
	    !node_saved(a->node))
		answer_wait(a, clock_poll(now, until));
}

/* Tries until it is kept, or cannot be. */
static enum failure_code
save(struct answer *a)
{
	const struct answered	all = {
		a->prompt.data, a->prompt.len, a->text.data, a->text.len,
		&a->upstream.cost
	};
	const int64_t		began = clock_us(), until = began +
				    SAVE_PATIENCE * INT64_C(1000000);
	int64_t			pause = SAVE_PAUSE_MIN;
	enum failure_code	rc;
	bool			last, told = false;

	for (;;) {
		last = a->hub.terminate || clock_us() >= until;
		if (last)
			node_hurry(a->node);
		rc = node_save(a->node, &all, &a->versions);
		if (rc != FAILURE_STORAGE || !node_again(a->node))
			return rc;
		if (last)
			return a->hub.terminate ? FAILURE_SHUTTING_DOWN : rc;
		/* A server is asked, a file was in vain. */
		if (!told && (store_is_file() || clock_us() >= began +
		    SAVE_QUIET * INT64_C(1000))) {
			answer_status(a, FRAME_SAVING, 0);
			told = true;
		}
		serve(a, clock_us() + pause * 1000);
		pause = pause * 2 < SAVE_PAUSE_MAX ? pause * 2 :
		    SAVE_PAUSE_MAX;
	}
}

void
answer_keep(struct answer *a)
{
	static char		why[256];
	enum failure_code	rc;

	slots_release(a->node);		/* the model has nothing more to do */
	rc = save(a);
	/* One that was lost in a crash was begun anew. */
	if (rc == FAILURE_NONE && !store_is_file())
		a->session = node_session(a->node);
	if (rc == FAILURE_INTERRUPTED && !store_is_file()) {
		/* Another machine had it: theirs is shown, if it is saved. */
		a->settled = true;
		a->reason = "another machine had the ticket meanwhile";
		return;
	}
	if (rc == FAILURE_UNKNOWN_TICKET) {
		(void)snprintf(why, sizeof(why), "%" PRId64, a->ticket);
		a->failure = failure_make(rc, why);
	} else if (rc != FAILURE_NONE) {
		answer_fail(a, rc, log_value(why, sizeof(why),
		    node_error(a->node)));
	}
}
