/*
 * Generating: a slot, a server, and what the model says.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "generation/answer.h"
#include "generation/notice.h"

/* A piece of the answer: kept, and put into this turn's frame. */
static bool
on_text(void *context, const char *text, size_t len)
{
	struct answer	*a = context;
	char		 limit[24];

	errno = EMSGSIZE;
	if (a->hub.frames.len <= FRAMES_MAX(a->text.cap) &&
	    buf_add(&a->text, text, len) == 0 &&
	    frame_stream_add(&a->stream, text, len) == 0)
		return true;
	(void)snprintf(limit, sizeof(limit), "%zu", a->text.cap);
	a->upstream.failure = failure_make(errno == EMSGSIZE ?
	    FAILURE_ANSWER_TOO_LONG : FAILURE_INTERNAL, limit);
	return false;
}

static void
on_state(void *context, enum frame_state state)
{
	answer_status(context, state, 0);
}

/* One try to get a slot; who watches may have changed. */
static int
try_slot(struct answer *a)
{
	a->slot.unwatched = a->hub.count == 0 && a->node != NULL &&
	    !node_watched(a->node);
	return pool_try(&a->pool, &a->slot, a->node,
	    (int)a->settings.number[SETTING_QUEUE_MAX]);
}

/*
 * Whose the ticket is, where that is not known at once: ours, or another
 * machine's, whose viewers here wait for it.  False: there is nothing to do.
 */
static bool
look_around(struct answer *a)
{
	const enum node_state	state = node_state(a->node);
	enum frame_state	shows;

	if (state == NODE_OURS && a->session != node_session(a->node))
		answer_session(a, node_session(a->node));
	if (state == NODE_THEIRS && !a->theirs)
		answer_session(a, 0);
	a->theirs = state == NODE_THEIRS;
	shows = node_shows(a->node);
	if (a->theirs && shows != FRAME_STATE__MAX && (!a->has_state ||
	    a->state != shows))
		answer_status(a, shows, 0);
	if (a->theirs && a->hub.stop) {
		node_say_stop(a->node);
		a->hub.stop = false;
	}
	if (state == NODE_LATE || (a->theirs && a->hub.met &&
	    a->hub.count == 0))
		a->late = true;
	return !a->late;
}

/* Why there is no slot, and never will be. */
static void
no_slot(struct answer *a, int position)
{
	static char	why[256];
	const char	*error = position == -1 ? strerror(errno) :
			    node_error(a->node);

	if (position == -2 && node_failure(a->node) != FAILURE_NONE)
		answer_fail(a, node_failure(a->node), "");
	else
		answer_fail(a, position == -1 ? FAILURE_INTERNAL :
		    FAILURE_STORAGE, why);
	(void)snprintf(why, sizeof(why), "%s", error);
	a->reason = why;
	if (a->failure.code == FAILURE_UNKNOWN_TICKET)
		(void)snprintf(a->failure.detail, sizeof(a->failure.detail),
		    "%lld", (long long)a->ticket);
}

/* Tells what is new about a place, and waits; false: it has ended. */
static bool
wait_in_queue(struct answer *a, int position, int *told)
{
	if (position > 0 && position != *told)
		answer_status(a, FRAME_QUEUED, position);
	*told = position;
	answer_wait(a, position == 1 && store_is_file() ? QUEUE_TICK_HEAD :
	    QUEUE_TICK);
	if (answer_ended(a) == FAILURE_NONE ||
	    node_state(a->node) == NODE_OVER)
		return true;
	answer_fail(a, answer_ended(a), "");
	return false;
}

/* Waits for a server with a free slot, telling the position. */
static void
wait_for_slot(struct answer *a)
{
	int	position, told = 0;
	bool	sure = false;

	if (a->node != NULL && slots_enter(a->node, &a->slot) == -1) {
		answer_fail(a, FAILURE_INTERNAL, strerror(errno));
		return;
	}
	while ((position = try_slot(a)) > 0 || position == SLOT_FULL ||
	    position == SLOT_ASKING) {
		/* Who came with us may just get a free slot: look twice. */
		if (position == SLOT_FULL && !sure && store_is_file()) {
			sure = true;
			answer_wait(a, QUEUE_TICK_HEAD);
			continue;
		}
		if (position == SLOT_FULL) {
			answer_fail(a, FAILURE_QUEUE_FULL, "");
			a->failure.retry_after = RETRY_AFTER_QUEUE;
			return;
		}
		if (!look_around(a) || !wait_in_queue(a, position, &told))
			return;
	}
	if (position < 0)
		no_slot(a, position);
	else if (a->node != NULL)
		(void)look_around(a);
}

/* Among several servers: goes to one that has the model loaded. */
static void
prefer_loaded(struct answer *a)
{
	while (a->failure.code == FAILURE_NONE &&
	    pool_ask(&a->pool, a->http)) {
		while (pool_asking(&a->pool)) {
			if (a->http->wait(a->hub.epoll, LOADED_TIMEOUT) == -1)
				answer_fail(a, FAILURE_INTERNAL, "");
			answer_turn(a, clock_us());
			hub_write(&a->hub);
			if (answer_ended(a) != FAILURE_NONE)
				answer_fail(a, answer_ended(a), "");
			if (a->failure.code != FAILURE_NONE)
				return;
		}
		if (pool_prefer(&a->pool, a->node))
			return;
		wait_for_slot(a);
	}
}

/* Has a server asked: the one that was chosen, or another after it failed. */
static void
ask_server(struct answer *a)
{
	struct upstream	*u = &a->upstream;
	struct pool	*p = &a->pool;

	if (u->failure.code != FAILURE_NONE) {
		pool_pass_over(p, a->node, u->failure.code, u->reason);
		wait_for_slot(a);
	}
	prefer_loaded(a);
	if (a->failure.code == FAILURE_NONE)
		upstream_ask(u, &p->server[p->chosen].url, pool_more(p),
		    clock_us());
}

/* Remembers for `sessions doctor' what a model's template does wrong. */
static void
notice(const struct answer *a)
{
	const struct upstream	*u = &a->upstream;
	const char		*run_dir = a->settings.text[SETTING_RUN_DIR];

	if (a->filter || a->failure.code != FAILURE_NONE)
		return;
	if (u->late)
		notice_add(run_dir, NOTICE_THOUGHTS, u->cost.model);
	if (u->tidy.found)
		notice_add(run_dir, NOTICE_MARKS, u->cost.model);
}

/* Streams the answer to whoever follows, until it has ended. */
static void
stream(struct answer *a)
{
	struct upstream	*u = &a->upstream;
	int64_t		 now, d;
	int		 settled = 0;

	u->context = a;
	u->on_text = on_text;
	u->on_state = on_state;
	upstream_begin(u, &a->settings, a->http, a->prompt.data,
	    a->prompt.len, clock_us());
	while (u->phase != UPSTREAM_ENDED && a->failure.code == FAILURE_NONE) {
		if (u->phase == UPSTREAM_SERVER) {
			ask_server(a);
			continue;
		}
		d = answer_deadline(a, upstream_deadline(u));
		if (a->http->wait(a->hub.epoll, clock_poll(clock_us(), d)) ==
		    -1)
			upstream_cancel(u, FAILURE_INTERNAL, NULL);
		now = clock_us();
		answer_turn(a, now);
		if (answer_ended(a) != FAILURE_NONE)
			upstream_cancel(u, answer_ended(a), NULL);
		upstream_step(u, now);
		/* What came in this turn leaves in as few frames as it can. */
		if (frame_stream_end(&a->stream) == -1) {
			upstream_cancel(u, FAILURE_INTERNAL, NULL);
			/* Also where it has ended well: text is missing. */
			answer_fail(a, FAILURE_INTERNAL, "no room for a frame");
		}
		hub_write(&a->hub);
	}
	if (a->failure.code == FAILURE_NONE) {
		a->failure = u->failure;
		a->reason = u->reason;
	}
	if (a->failure.code == FAILURE_NONE &&
	    (settled = upstream_settle(u, &a->text)) == -1)
		answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	a->settled = settled == 1;
	notice(a);
	pool_end(&a->pool, u->pass ? POOL_FAILED : u->first != 0 ? POOL_GOOD :
	    POOL_UNKNOWN);
	if (a->failure.code == FAILURE_NONE &&
	    utf8_blank(a->text.data, a->text.len))
		answer_fail(a, FAILURE_EMPTY_ANSWER, "");
}

void
generate(struct answer *a)
{
	wait_for_slot(a);
	a->upstream.cost.queued = (clock_us() - a->started) / 1000;
	if (a->failure.code == FAILURE_NONE && !a->late && answer_load(a))
		stream(a);
}
