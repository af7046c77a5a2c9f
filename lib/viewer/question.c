/*
 * A question's life; it looks here, attach.c and follow.c go on.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "generation/generation.h"
#include "text/text.h"
#include "viewer/attach.h"
#include "viewer/follow.h"
#include "viewer/outcome.h"
#include "viewer/question.h"

void
question_init(struct question *q, const struct settings *s,
    const struct connection *c, struct admission *a, struct output *out)
{
	memset(q, 0, sizeof(*q));
	q->settings = s;
	q->connection = c;
	q->out = out;
	q->admission = a;
	q->fd = q->pidfd = q->run_dir = -1;
	q->in.cap = 4 * FRAME_MAX;
}

enum failure_code
question_open_store(struct question *q)
{
	if (q->store != NULL)
		return FAILURE_NONE;
	return store_open(&q->store, q->settings->text[SETTING_DATABASE]);
}

/* Whether a saved answer is what was asked for. */
static bool
serves(const struct question *q, const struct session *s)
{
	const struct request	*r = &q->request;

	if (s->id == 0)
		return false;
	if (r->version != 0)
		return true;
	if (r->refresh && s->id <= r->seen)
		return false;
	return q->settings->number[SETTING_CACHE] == CACHE_TICKET ||
	    text_same(s->prompt, s->prompt_len, r->body.data, r->body.len);
}

/*
 * The answer to look at: with CACHE=body one of an older version counts whose
 * text was the same.
 */
static enum failure_code
find(struct question *q, struct session *s)
{
	const struct buf	*body = &q->request.body;
	const int64_t		 ticket = q->connection->ticket;
	const int64_t		 version = q->request.version;
	enum failure_code	 rc;

	if (version != 0)
		return store_session_by_version(q->store, ticket, version, s);
	rc = store_session_by_ticket(q->store, ticket, s);
	q->newest = s->id;
	if (q->noted == SEEN_UNKNOWN)
		q->noted = s->id;
	if (q->request.seen == SEEN_UNKNOWN)
		q->request.seen = s->id;
	if (rc != FAILURE_NONE || s->versions < 2 || serves(q, s) ||
	    q->settings->number[SETTING_CACHE] == CACHE_TICKET)
		return rc;
	session_free(s);
	return store_session_by_text(q->store, ticket, body->data, body->len,
	    s);
}

bool
question_serve(struct question *q)
{
	const int64_t		version = q->request.version;
	enum failure_code	rc;
	struct failure		f;
	struct session		s = { 0 };

	q->newest = 0;
	if ((rc = question_open_store(q)) == FAILURE_NONE)
		rc = find(q, &s);
	if (rc != FAILURE_NONE) {
		outcome_store(q, rc);
	} else if (serves(q, &s)) {
		outcome_cached(q, &s);
	} else if (version != 0) {
		f = failure_make(FAILURE_BAD_REQUEST, "version");
		outcome_error(q, &f);
	}
	session_free(&s);
	return q->state == QUESTION_IDLE;
}

/* With the store open, or to be opened at once. */
static void
look(struct question *q, int64_t now)
{
	q->state = QUESTION_ATTACHING;
	if (!question_serve(q))
		attach_begin(q, now);
}

/* Goes on with connecting. */
static void
open_step(struct question *q, int64_t now)
{
	enum failure_code	rc;

	if (!store_ready(q->store, &rc))
		return;
	if (rc == FAILURE_NONE)
		look(q, now);
	else
		outcome_store(q, rc);
}

void
question_look(struct question *q, int64_t now)
{
	enum failure_code	rc;

	if (store_is_file() || q->store != NULL) {
		look(q, now);
		return;
	}
	/* A server may be silent: pings are answered meanwhile. */
	q->state = QUESTION_OPENING;
	rc = store_start(&q->store, q->settings->text[SETTING_DATABASE]);
	if (rc == FAILURE_NONE)
		open_step(q, now);
	else
		outcome_store(q, rc);
}

void
question_note(struct question *q, struct request *r, bool behind)
{
	int64_t	id = 0;

	if (!store_is_file()) {
		/* It looks itself; of several that came together the first. */
		r->seen = behind || q->state != QUESTION_IDLE ? SEEN_SAME :
		    SEEN_UNKNOWN;
		return;
	}
	if (!r->refresh || r->failure.code != FAILURE_NONE)
		return;
	/* Without a database the question itself will say so. */
	if (question_open_store(q) == FAILURE_NONE)
		(void)store_newest(q->store, q->connection->ticket, &id);
	r->seen = id;
	store_close(q->store);
	q->store = NULL;
}

void
question_begin(struct question *q, struct request *r, int64_t now)
{
	struct failure	f = r->failure;

	q->request = *r;
	memset(r, 0, sizeof(*r));
	if (q->request.seen == SEEN_SAME)
		q->request.seen = q->noted;
	else
		q->noted = SEEN_UNKNOWN;
	q->started = now;
	q->first = 0;
	q->bytes = 0;
	q->session = q->tokens = 0;
	q->tries = 0;
	q->text_hash[0] = '\0';
	q->charged = q->stop = q->stop_sent = false;
	if (f.code != FAILURE_NONE)
		outcome_error(q, &f);
	else
		question_look(q, now);
}

int64_t
question_wait(const struct question *q, struct pollfd *p)
{
	p->fd = -1;
	p->events = 0;
	if (q->state == QUESTION_OPENING)
		return store_wait(q->store, p);
	if (q->state == QUESTION_ATTACHING || q->state == QUESTION_STOPPING)
		return q->next;
	/* A client that reads slowly is left behind in answer's buffer. */
	if (q->state == QUESTION_FOLLOWING &&
	    output_size(q->out) < OUTPUT_PENDING) {
		p->fd = q->fd;
		p->events = POLLIN;
		return follow_deadline(q);
	}
	return CLOCK_NEVER;
}

/* Nothing runs here: it may on another machine. */
static void
stop_elsewhere(struct question *q)
{
	bool	heard;

	if (store_is_file())
		return;
	if (question_open_store(q) == FAILURE_NONE)
		(void)store_stop(q->store, q->connection->ticket, &heard);
	store_close(q->store);
	q->store = NULL;
}

/* One try to tell a generation, which we do not follow, to stop. */
static void
say_stop(struct question *q, int64_t now)
{
	int	fd;

	switch (generation_connect(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket, &fd)) {
	case GENERATION_RUNNING:
		generation_say_stop(fd);
		(void)close(fd);
		break;
	case GENERATION_BUSY:
		if (now >= q->deadline)
			break;
		q->next = now + STOP_AGAIN * INT64_C(1000);
		q->state = QUESTION_STOPPING;
		return;
	case GENERATION_NONE:
		stop_elsewhere(q);
		break;
	case GENERATION_ERROR:
	default:
		break;
	}
	q->state = QUESTION_IDLE;
}

void
question_step(struct question *q, const struct pollfd *p, int64_t now)
{
	if (q->state == QUESTION_OPENING)
		open_step(q, now);
	else if (q->state == QUESTION_ATTACHING && now >= q->next)
		attach_step(q, now);
	else if (q->state == QUESTION_STOPPING && now >= q->next)
		say_stop(q, now);
	else if (q->state == QUESTION_FOLLOWING && p->fd == q->fd &&
	    p->revents != 0)
		follow_step(q, now);
	else if (q->state == QUESTION_FOLLOWING)
		follow_wait(q, p->fd == q->fd, now);
	follow_stop(q, now);
}

void
question_stop(struct question *q)
{
	const int64_t	now = clock_us();

	if (q->state == QUESTION_IDLE) {
		q->deadline = now + STOP_TIMEOUT * INT64_C(1000);
		say_stop(q, now);
	} else if (q->state != QUESTION_STOPPING) {
		q->stop = true;
		follow_stop(q, now);
	}
}

void
question_free(struct question *q)
{
	if (q->fd != -1)
		(void)close(q->fd);
	if (q->pidfd != -1)
		(void)close(q->pidfd);
	if (q->run_dir != -1)
		(void)close(q->run_dir);
	q->fd = q->pidfd = q->run_dir = -1;
	q->state = QUESTION_IDLE;
	store_close(q->store);
	q->store = NULL;
	request_free(&q->request);
	buf_free(&q->in);
}
