/*
 * The states of an answer: see answer.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/module.h"
#include "base/utf8.h"
#include "generation/answer.h"
#include "generation/generation.h"
#include "generation/notice.h"
#include "store/slots.h"
#include "store/store.h"

/*
 * Bytes of the frames that are stored for viewers who come late.  A token of
 * four bytes in a frame of its own takes ten times as much.
 */
#define FRAMES_MAX(answer)	((answer) * 12 + 65536)

/* How long a save may take before viewers are told that it goes on, in ms. */
#define SAVE_QUIET	200

/*
 * Between two looks at the slots, in ms: at the head of the queue, and behind.
 */
#define QUEUE_TICK_HEAD	20
#define QUEUE_TICK	250

/* `retryAfter' of queue_full, in seconds: about one answer on a small CPU. */
#define RETRY_AFTER_QUEUE	30

/* What a state's function returns. */
enum answer_step {
	ANSWER_GO_ON,	/* call the function of the new state at once */
	ANSWER_WAIT	/* for an event or until answer_deadline, then call the
			   same state's function again */
};

void
answer_fail(struct answer *a, enum failure_code code, const char *reason)
{
	if (a->failure.code != FAILURE_NONE)
		return;
	a->failure = failure_make(code, NULL);
	a->reason = reason;
}

bool
answer_load(struct answer *a)
{
	static char	why[256];

	if ((a->http = module_load("http.so", "http_module", why,
	    sizeof(why))) == NULL)
		answer_fail(a, FAILURE_INTERNAL, why);
	return a->http != NULL;
}

/*
 * Why the answer must end, whatever the model does; FAILURE_NONE: it need not
 * end.
 */
static enum failure_code
answer_stopped(const struct answer *a)
{
	const struct hub	*h = &a->hub;

	/* When the service ends, answers still in the queue end; those that got
	   a slot once may finish. */
	if (h->terminate || (h->ending && a->upstream.settings == NULL))
		return FAILURE_SHUTTING_DOWN;
	/* Another node generates the answer: not ours to end. */
	if (a->node != NULL && node_state(a->node) == NODE_THEIRS)
		return FAILURE_NONE;
	if (h->stop)
		return FAILURE_STOPPED;
	if (h->met && hub_viewers(h) == 0 && (a->filter ||
	    (a->settings.number[SETTING_ON_DISCONNECT] ==
	    ON_DISCONNECT_CANCEL && !node_watched(a->node))))
		return FAILURE_STOPPED;
	return a->node == NULL ? FAILURE_NONE : node_failure(a->node);
}

/*
 * Gives up the socket, the claim and the slot.  Whoever asks from now on finds
 * the saved answer or starts another generation.
 */
static void
answer_leave(struct answer *a)
{
	struct stat	st;

	/* Remove our own socket only: another generation may have bound a new
	   one at this path. */
	if (!a->filter && lstat(a->path, &st) == 0 &&
	    st.st_ino == a->socket.st_ino && st.st_dev == a->socket.st_dev)
		(void)unlink(a->path);
	hub_close_listener(&a->hub);
	slot_leave(&a->slot);
	if (a->node != NULL)
		slots_release(a->node);
	hub_dismiss(&a->hub);
}

/*
 * Appends the whole answer as a `cached' frame for the reader of a filter,
 * because the text that was streamed differs from the final text.
 */
static int
answer_whole(struct answer *a)
{
	struct session	s = { .response = a->text.data,
			    .response_len = a->text.len };
	struct tm	tm;
	time_t		now = time(NULL);

	(void)gmtime_r(&now, &tm);
	(void)strftime(s.created, sizeof(s.created), "%Y-%m-%dT%H:%M:%SZ",
	    &tm);
	return frame_cached(&a->hub.frames, &s, 0, LANGUAGE_EN);
}

/*
 * Appends the last frames.  Returns false if there is no memory for them:
 * viewers then see the connection close and report `interrupted'.
 */
static bool
answer_last_frames(struct answer *a)
{
	const char	*why = a->upstream.cost.done_reason;
	struct buf	*frames = &a->hub.frames;

	a->over = true;
	a->hub.alive[0] = '\0';
	if (!a->filter && frame_cost(frames,
	    a->upstream.cost.answer_tokens) == -1)
		return false;
	if (a->failure.code != FAILURE_NONE)
		return frame_error(frames, &a->failure, LANGUAGE_EN) == 0;
	if (a->settled && (a->filter ? answer_whole(a) :
	    frame_kept(frames)) == -1)
		return false;
	return frame_done(frames, strcmp(why, "length") == 0 || strcmp(why,
	    "content_filter") == 0, a->follows == 0 ? a->versions : 0, 0) == 0;
}

static void
answer_log(const struct answer *a)
{
	const struct cost	*c = &a->upstream.cost;
	char			 why[512], model[256];

	if (a->upstream.turns_left_out > 0)
		log_line(LOG_LEVEL_INFO, "ticket=%" PRId64 " session=%" PRId64
		    " thread=shortened turns_left_out=%zu", a->ticket,
		    a->session, a->upstream.turns_left_out);
	log_line(a->failure.code == FAILURE_NONE ? LOG_LEVEL_INFO :
	    LOG_LEVEL_WARNING, "ticket=%" PRId64 " session=%" PRId64
	    " outcome=%s code=%s model=\"%s\" bytes=%zu tokens=%" PRId64
	    " queued_ms=%" PRId64 " first_ms=%" PRId64 " total_ms=%" PRId64
	    " reason=\"%s\"", a->ticket, a->session,
	    a->late ? "late" : a->failure.code == FAILURE_NONE ? "kept" :
	    "error",
	    a->failure.code == FAILURE_NONE ? "-" :
	    failure_name(a->failure.code), log_value(model, sizeof(model),
	    c->model), a->text.len, c->answer_tokens, c->queued,
	    c->first_token, c->total, log_value(why, sizeof(why),
	    a->reason == NULL ? "" : a->reason));
}

/*
 * Reached from any state: the answer is saved, has failed, or is another
 * node's.
 */
static enum answer_step
answer_finish(struct answer *a)
{
	bool	drain = false;

	answer_leave(a);
	/* If late, send no last frame: viewers see the connection close and ask
	   the database again. */
	if (!a->late && (drain = answer_last_frames(a)))
		hub_write(&a->hub);	/* before the log line, which may
					   block */
	if (a->upstream.settings == NULL)
		a->upstream.cost.queued = (clock_us() - a->started) / 1000;
	answer_log(a);
	if (a->node != NULL && a->hub.stop)
		node_say_stop(a->node);
	if (a->node != NULL)
		node_release(a->node, a->failure.code);
	a->due = clock_us() + a->settings.number[SETTING_SEND_TIMEOUT] *
	    INT64_C(1000000);
	a->state = drain ? ANSWER_DRAINING : ANSWER_ENDED;
	return ANSWER_GO_ON;
}

/* Enters the queue: at the start and after an upstream has failed. */
static enum answer_step
answer_queue(struct answer *a)
{
	a->state = ANSWER_QUEUED;
	a->full_once = false;
	a->position = 0;
	if (a->node != NULL && slots_enter(a->node, &a->slot) == -1) {
		answer_fail(a, FAILURE_INTERNAL, strerror(errno));
		return answer_finish(a);
	}
	return ANSWER_GO_ON;
}

/* No slot can be had at all.  `result' is what pool_try returned. */
static enum answer_step
answer_no_slot(struct answer *a, int result)
{
	static char	why[256];
	const char	*error = result == -1 ? strerror(errno) :
			    node_error(a->node);

	if (result == -2 && node_failure(a->node) != FAILURE_NONE)
		answer_fail(a, node_failure(a->node), "");
	else
		answer_fail(a, result == -1 ? FAILURE_INTERNAL :
		    FAILURE_STORAGE, why);
	(void)snprintf(why, sizeof(why), "%s", error);
	a->reason = why;
	if (a->failure.code == FAILURE_UNKNOWN_TICKET)
		(void)snprintf(a->failure.detail, sizeof(a->failure.detail),
		    "%" PRId64, a->ticket);
	return answer_finish(a);
}

/*
 * Tells viewers whether this or another node generates the answer, and sets
 * `late' if nothing is left to do here.
 */
static void
answer_check_node(struct answer *a)
{
	const enum node_state	state = node_state(a->node);
	enum frame_state	shows;

	if (state == NODE_OURS && a->session != node_session(a->node))
		answer_session(a, node_session(a->node), false);
	if (state == NODE_THEIRS && !a->theirs)
		answer_session(a, 0, true);
	/* Tell whose answer was saved: a newer one may be there already. */
	if (state == NODE_LATE && a->theirs)
		answer_session(a, node_session(a->node), true);
	a->theirs = state == NODE_THEIRS;
	shows = node_shows(a->node);
	if (a->theirs && shows != FRAME_STATE__MAX && (!a->has_status ||
	    a->status != shows))
		answer_status(a, shows, 0);
	if (a->theirs && a->hub.stop) {
		node_say_stop(a->node);
		a->hub.stop = false;
	}
	if (state == NODE_LATE || (a->theirs && a->hub.met &&
	    a->hub.count == 0))
		a->late = true;
}

/*
 * Handles a piece of the model's text: adds it to the text to be saved and to
 * the current frame.
 */
static bool
answer_text(void *context, const char *text, size_t len)
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
answer_upstream_state(void *context, enum frame_state state)
{
	answer_status(context, state, 0);
}

/*
 * A slot was obtained: prepares the upstream, the first time only, and chooses
 * a server.
 */
static enum answer_step
answer_choose(struct answer *a)
{
	struct upstream	*u = &a->upstream;

	if (u->settings == NULL) {
		u->cost.queued = (clock_us() - a->started) / 1000;
		if (!answer_load(a) || !answer_read(a))
			return answer_finish(a);
		/* What SQLite had, while the model writes. */
		(void)malloc_trim(0);
		u->context = a;
		u->memory = a->filter ? NULL :
		    a->settings.text[SETTING_RUN_DIR];
		u->on_text = answer_text;
		u->on_state = answer_upstream_state;
		upstream_begin(u, &a->settings, a->http, clock_us());
	}
	a->state = ANSWER_WRITING;
	if (u->phase == UPSTREAM_ENDED)
		return ANSWER_GO_ON;
	if (pool_ask(&a->pool, a->http)) {
		a->state = ANSWER_CHOOSING;
		return ANSWER_GO_ON;
	}
	upstream_ask(u, &a->pool.server[a->pool.chosen].url,
	    pool_more(&a->pool), clock_us());
	return ANSWER_GO_ON;
}

/* Waits for a slot.  `position' is what pool_try returned. */
static enum answer_step
answer_stay_queued(struct answer *a, int position, int64_t now)
{
	const bool	head = position == 1 && store_is_file();

	/* SQLite: another generation may be between entering the queue and
	   taking a free slot, so fail only if the queue is full twice in a
	   row. */
	if (position == SLOT_FULL && !a->full_once && store_is_file()) {
		a->full_once = true;
		a->due = now + QUEUE_TICK_HEAD * INT64_C(1000);
		return ANSWER_WAIT;
	}
	if (position == SLOT_FULL) {
		answer_fail(a, FAILURE_QUEUE_FULL, "");
		a->failure.retry_after = RETRY_AFTER_QUEUE;
		return answer_finish(a);
	}
	answer_check_node(a);
	if (a->late)
		return answer_finish(a);
	if (position > 0 && position != a->position)
		answer_status(a, FRAME_QUEUED, position);
	a->position = position;
	a->due = now + (head ? QUEUE_TICK_HEAD : QUEUE_TICK) * INT64_C(1000);
	return ANSWER_WAIT;
}

/* Other people's programs prepare the texts, before a slot is waited for. */
static enum answer_step
answer_preparing(struct answer *a, int64_t now)
{
	if (answer_stopped(a) != FAILURE_NONE)
		answer_fail(a, answer_stopped(a), "");
	else if (!answer_prepare(a, now))
		return ANSWER_WAIT;
	hook_end(&a->hook);
	if (a->turn != -1)
		(void)close(a->turn);
	a->turn = -1;
	return a->failure.code == FAILURE_NONE ? answer_queue(a) :
	    answer_finish(a);
}

static enum answer_step
answer_queued(struct answer *a, int64_t now)
{
	int	position;

	/* If the run is over, pool_try returns the reason: call it first. */
	if (answer_stopped(a) != FAILURE_NONE && (a->node == NULL ||
	    node_state(a->node) != NODE_OVER)) {
		answer_fail(a, answer_stopped(a), "");
		return answer_finish(a);
	}
	a->slot.unwatched = hub_viewers(&a->hub) == 0 && a->node != NULL &&
	    !node_watched(a->node);
	position = pool_try(&a->pool, &a->slot, a->node,
	    (int)a->settings.number[SETTING_QUEUE_MAX]);
	if (position > 0 || position == SLOT_FULL || position == SLOT_ASKING)
		return answer_stay_queued(a, position, now);
	if (position < 0)
		return answer_no_slot(a, position);
	if (a->node != NULL)
		answer_check_node(a);
	return a->late ? answer_finish(a) : answer_choose(a);
}

static enum answer_step
answer_choosing(struct answer *a, int64_t now)
{
	if (a->wait_failed)
		answer_fail(a, FAILURE_INTERNAL, "");
	else if (answer_stopped(a) != FAILURE_NONE)
		answer_fail(a, answer_stopped(a), "");
	if (a->failure.code != FAILURE_NONE)
		return answer_finish(a);
	if (pool_asking(&a->pool)) {
		a->due = now + LOADED_TIMEOUT * INT64_C(1000);
		return ANSWER_WAIT;
	}
	if (!pool_prefer(&a->pool, a->node))
		return answer_queue(a);
	upstream_ask(&a->upstream, &a->pool.server[a->pool.chosen].url,
	    pool_more(&a->pool), now);
	a->state = ANSWER_WRITING;
	return ANSWER_GO_ON;
}

/* Notes for `sessions doctor' what a model's template does wrong. */
static void
answer_notice(const struct answer *a)
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

/* The upstream has ended, well or not. */
static enum answer_step
answer_written(struct answer *a)
{
	struct upstream	*u = &a->upstream;
	int		 settled = 0;

	if (a->failure.code == FAILURE_NONE) {
		a->failure = u->failure;
		a->reason = u->reason;
	}
	if (a->failure.code == FAILURE_NONE &&
	    (settled = upstream_settle(u, &a->text)) == -1)
		answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	a->settled = settled == 1;
	answer_notice(a);
	pool_name(&a->pool, a->server);
	pool_end(&a->pool, u->pass ? POOL_FAILED : u->first != 0 ? POOL_GOOD :
	    POOL_UNKNOWN);
	if (a->failure.code == FAILURE_NONE &&
	    utf8_blank(a->text.data, a->text.len))
		answer_fail(a, FAILURE_EMPTY_ANSWER, "");
	if (a->failure.code != FAILURE_NONE || a->filter)
		return answer_finish(a);
	a->state = ANSWER_SAVING;
	return ANSWER_GO_ON;
}

static enum answer_step
answer_writing(struct answer *a, int64_t now)
{
	struct upstream	*u = &a->upstream;

	if (u->phase == UPSTREAM_ENDED)
		return answer_written(a);
	if (a->wait_failed)
		upstream_cancel(u, FAILURE_INTERNAL, NULL);
	if (answer_stopped(a) != FAILURE_NONE)
		upstream_cancel(u, answer_stopped(a), NULL);
	upstream_step(u, now);
	/* Send all text that arrived in this turn in as few frames as
	   possible. */
	if (frame_stream_end(&a->stream) == -1) {
		upstream_cancel(u, FAILURE_INTERNAL, NULL);
		/* Fail even if the upstream ended well: a part of the text is
		   missing. */
		answer_fail(a, FAILURE_INTERNAL, "the frames' buffer is full");
	}
	if (u->phase == UPSTREAM_ENDED)
		return ANSWER_GO_ON;
	if (u->phase != UPSTREAM_SERVER)
		return ANSWER_WAIT;
	pool_pass_over(&a->pool, a->node, u->failure.code, u->reason);
	return answer_queue(a);
}

/* Acts on the result of saving. */
static enum answer_step
answer_saved(struct answer *a, enum failure_code rc)
{
	static char	why[256];

	/* PostgreSQL: if a crash lost the run's row, node_save made a new
	   session. */
	if (rc == FAILURE_NONE && !store_is_file())
		a->session = node_session(a->node);
	a->saved = rc == FAILURE_NONE;
	if (rc == FAILURE_INTERRUPTED && !store_is_file()) {
		/* Viewers ask the database and show the other machine's answer,
		   if saved. */
		a->settled = true;
		a->reason = "another node took over the ticket";
	} else if (rc == FAILURE_UNKNOWN_TICKET) {
		(void)snprintf(why, sizeof(why), "%" PRId64, a->ticket);
		a->failure = failure_make(rc, why);
	} else if (rc != FAILURE_NONE) {
		answer_fail(a, rc, log_value(why, sizeof(why),
		    node_error(a->node)));
	}
	return answer_finish(a);
}

/*
 * Tries to save the text for up to SAVE_PATIENCE seconds.  `stop' is ignored,
 * since the text is complete.  SIGTERM makes the current try the last.
 */
static enum answer_step
answer_saving(struct answer *a, int64_t now)
{
	const struct answered	all = {
		a->prompt.data, a->prompt.len, a->text.data, a->text.len,
		a->instruction.data, a->instruction.len, a->model_text.data,
		a->model_text.len, &a->upstream.cost,
		a->prompt_name, a->user.data == NULL ? "" : a->user.data,
		a->server, a->sources, a->notes.count
	};
	enum failure_code	rc;
	bool			last;

	if (a->save_began == 0) {
		slots_release(a->node);		/* the model's part is done */
		answer_cite(a);
		a->save_began = now;
		a->save_pause = SAVE_PAUSE_MIN;
	} else if (now < a->due && !a->hub.terminate && !node_saved(a->node)) {
		return ANSWER_WAIT;
	}
	last = a->hub.terminate ||
	    now >= a->save_began + SAVE_PATIENCE * INT64_C(1000000);
	if (last)
		node_hurry(a->node);
	rc = node_save(a->node, &all, &a->versions);
	if (rc != FAILURE_STORAGE || !node_again(a->node))
		return answer_saved(a, rc);
	if (last)
		return answer_saved(a, a->hub.terminate ?
		    FAILURE_SHUTTING_DOWN : rc);
	now = clock_us();
	/* Report `saving' to viewers: at once for a file, where node_save has
	   already waited; after SAVE_QUIET ms for a server. */
	if (!a->save_sent && (store_is_file() || now >= a->save_began +
	    SAVE_QUIET * INT64_C(1000))) {
		answer_status(a, FRAME_SAVING, 0);
		a->save_sent = true;
	}
	a->due = now + a->save_pause * 1000;
	a->save_pause = a->save_pause * 2 < SAVE_PAUSE_MAX ?
	    a->save_pause * 2 : SAVE_PAUSE_MAX;
	return ANSWER_WAIT;
}

static enum answer_step
answer_draining(struct answer *a, int64_t now)
{
	if (!hub_drained(&a->hub) && now < a->due)
		return ANSWER_WAIT;
	a->state = ANSWER_ENDED;
	return ANSWER_GO_ON;
}

static enum answer_step
answer_step(struct answer *a, int64_t now)
{
	switch (a->state) {
	case ANSWER_PREPARING:
		return answer_preparing(a, now);
	case ANSWER_QUEUED:
		return answer_queued(a, now);
	case ANSWER_CHOOSING:
		return answer_choosing(a, now);
	case ANSWER_WRITING:
		return answer_writing(a, now);
	case ANSWER_SAVING:
		return answer_saving(a, now);
	case ANSWER_DRAINING:
		return answer_draining(a, now);
	case ANSWER_ENDED:
		break;
	}
	return ANSWER_GO_ON;
}

/* When the next step is due even if no event arrives: clock_us. */
static int64_t
answer_deadline(const struct answer *a)
{
	const int64_t	due[] = {
		a->state == ANSWER_WRITING ? upstream_deadline(&a->upstream) :
		    a->due,
		hub_deadline(&a->hub), answer_viewers_due(a),
		a->node == NULL ? CLOCK_NEVER : node_deadline(a->node)
	};
	int64_t		d = CLOCK_NEVER;
	size_t		i;

	for (i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		d = due[i] < d ? due[i] : d;
	return d;
}

/* Waits for an event or the deadline, then serves the viewers and the node. */
static void
answer_wait(struct answer *a)
{
	const int		timeout = clock_poll(clock_us(),
				    answer_deadline(a));
	struct epoll_event	event;
	int64_t			now;
	int			ready;

	if (a->state == ANSWER_CHOOSING || a->state == ANSWER_WRITING) {
		ready = a->http->wait(a->hub.epoll, timeout);
		a->wait_failed = ready == -1;
	} else {
		/* hub_step fetches the events itself. */
		ready = epoll_wait(a->hub.epoll, &event, 1, timeout);
	}
	now = clock_us();
	/* Most often only the model has sent something. */
	if (ready == 1)
		hub_step(&a->hub, now);
	else
		hub_tick(&a->hub, now);
	answer_viewers(a, now);
	if (a->node == NULL)
		return;
	node_viewers(a->node, hub_viewers(&a->hub) > 0 || !a->hub.met);
	node_step(a->node, now);
}

/*
 * Opens the hub: viewers connect to the socket, or a filter writes to `out'.
 * Returns 0, or -1 with errno.
 */
static int
answer_open_hub(struct answer *a)
{
	struct subject	subject = { .ticket = a->ticket };
	struct buf	line = BUF_INIT(sizeof(a->hub.alive) - 1);
	const size_t	max = (size_t)a->settings.number[
			    SETTING_MAX_ANSWER_BYTES];
	int		rc;

	a->text.cap = max;
	a->stream.out = &a->hub.frames;
	/* Room beyond FRAMES_MAX for the longest last piece and the last
	   frames. */
	if (hub_init(&a->hub, FRAMES_MAX(max) + 8 * max + 2 * FRAME_MAX) == -1)
		return -1;
	if (a->filter)
		return hub_add(&a->hub, a->out, true);
	memcpy(subject.question, a->question, sizeof(a->question));
	if (generation_path(a->path, sizeof(a->path),
	    a->settings.text[SETTING_RUN_DIR], &subject) == -1 ||
	    lstat(a->path, &a->socket) == -1)
		return -1;
	answer_session(a, a->session, false);
	if (frame_alive(&line) == -1)
		return -1;
	memcpy(a->hub.alive, line.data, line.len);
	buf_free(&line);
	rc = hub_listen(&a->hub, ANSWER_LISTENER);
	hub_step(&a->hub, clock_us());	/* the first viewer is already
					   connected */
	hub_write(&a->hub);
	return rc;
}

/* Registers this run with the other nodes that share the database. */
static void
answer_open_node(struct answer *a)
{
	const struct node_wish	wish = {
		.settings = &a->settings, .ticket = a->ticket,
		.session = a->session, .seen = a->seen,
		.follows = a->follows, .question = a->question,
		.text_hash = a->text_hash,
		.instruction_hash = a->instruction_hash,
		.user = getenv(GENERATION_USER)
	};
	enum failure_code	rc;

	rc = node_open(&a->node, &wish);
	if (rc != FAILURE_NONE)
		answer_fail(a, rc, node_error(a->node));
	else if (node_fd(a->node) != -1 && hub_wake(&a->hub,
	    node_fd(a->node)) == -1)
		answer_fail(a, FAILURE_INTERNAL, "");
}

int
answer_run(struct answer *a)
{
	enum answer_step	step;

	a->started = clock_us();
	if (answer_open_hub(a) == -1)
		return -1;
	if (!a->filter)
		answer_open_node(a);
	pool_open(&a->pool, &a->settings, a->filter);
	if (a->failure.code != FAILURE_NONE)
		(void)answer_finish(a);
	else if (!answer_prepares(a))
		(void)answer_queue(a);
	while (a->state != ANSWER_ENDED) {
		step = answer_step(a, clock_us());
		/* Send what the state has appended before the next state runs,
		   since saving may take long. */
		hub_write(&a->hub);
		if (step == ANSWER_WAIT)
			answer_wait(a);
	}
	return 0;
}

void
answer_free(struct answer *a)
{
	upstream_free(&a->upstream);
	pool_close(&a->pool);
	if (a->http != NULL)
		a->http->close();
	node_close(a->node);
	frame_stream_free(&a->stream);
	hub_free(&a->hub);
	buf_free(&a->prompt);
	buf_free(&a->instruction);
	buf_free(&a->user);
	buf_free(&a->text);
	buf_free(&a->model_text);
	buf_free(&a->model_instruction);
	buf_free(&a->model_ticket);
	buf_free(&a->note);
	store_root_free(&a->root);
	hook_close(&a->hook);
	notes_free(&a->notes);
}
