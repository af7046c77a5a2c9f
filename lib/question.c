/*
 * Look, and attach; follow.c goes on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "follow.h"
#include "generation.h"
#include "limit.h"
#include "outcome.h"
#include "question.h"

void
question_init(struct question *q, const struct settings *s,
    const struct connection *c, struct admission *a, struct output *out)
{
	memset(q, 0, sizeof(*q));
	q->settings = s;
	q->connection = c;
	q->out = out;
	q->admission = a;
	q->fd = -1;
	q->in.cap = 4 * FRAME_MAX;
}

enum failure_code
question_open_store(struct question *q)
{
	if (q->store != NULL)
		return FAILURE_NONE;
	return store_open(&q->store, q->settings->text[SETTING_DATABASE]);
}

/* Whether a kept answer is what was asked for. */
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
	    (s->prompt_len == r->body.len &&
	    memcmp(s->prompt, r->body.data, r->body.len) == 0);
}

/* Look: ends the question if a kept answer serves it; tells if it did end. */
static bool
look(struct question *q)
{
	const int64_t		ticket = q->connection->ticket;
	const int64_t		version = q->request.version;
	enum failure_code	rc;
	struct failure		f;
	struct session		s = { 0 };

	if ((rc = question_open_store(q)) == FAILURE_NONE)
		rc = version != 0 ? store_session_by_version(q->store, ticket,
		    version, &s) : store_session_by_ticket(q->store, ticket,
		    &s);
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

/* Tries to connect; tells whether nobody is generating. */
static bool
connect_to(struct question *q)
{
	int	fd;

	switch (generation_connect(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket, &fd)) {
	case GENERATION_NONE:
		return true;
	case GENERATION_RUNNING:
		follow_begin(q, fd);
		return false;
	case GENERATION_BUSY:
		return false;
	case GENERATION_ERROR:
	default:
		outcome_system(q, FAILURE_INTERNAL, "connect", strerror(errno));
		return false;
	}
}

/*
 * Whether a generation may be started: the ticket is there where it must be,
 * and the user has one left.  It is charged once for a question, however often
 * its generation must be started.
 */
static bool
may_start(struct question *q)
{
	const int64_t	 ticket = q->connection->ticket;
	struct failure	 f = failure_make(FAILURE_NONE, NULL);
	char		 name[24];
	bool		 there = true;

	if (q->settings->number[SETTING_TICKETS] == TICKETS_EXISTING &&
	    store_has_ticket(q->store, ticket, &there) == FAILURE_NONE &&
	    !there) {
		(void)snprintf(name, sizeof(name), "%" PRId64, ticket);
		f = failure_make(FAILURE_UNKNOWN_TICKET, name);
	} else if (!q->charged) {
		f = admission_charge(q->admission);
		q->charged = true;
	}
	if (f.code != FAILURE_NONE)
		outcome_error(q, &f);
	return f.code == FAILURE_NONE;
}

/* Under the claim, when nobody generates and no answer is kept. */
static void
start(struct question *q)
{
	const struct settings	*s = q->settings;
	const struct request	*r = &q->request;
	const int64_t		 ticket = q->connection->ticket;
	enum failure_code	 rc;
	int64_t			 session;
	int			 fd;

	if (!may_start(q))
		return;
	rc = store_get_or_create(q->store, ticket, r->body.data, r->body.len,
	    s->number[SETTING_TICKETS] == TICKETS_EXISTING, &session);
	if (rc != FAILURE_NONE) {
		outcome_store(q, rc);
	} else if ((fd = generation_listen(s->text[SETTING_RUN_DIR],
	    ticket)) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "listen", strerror(errno));
	} else {
		/* In its backlog first: it may be over before we come. */
		(void)connect_to(q);
		if (q->state == QUESTION_FOLLOWING && generation_start(s,
		    ticket, session, fd, r->body.data, r->body.len) == -1) {
			outcome_system(q, FAILURE_INTERNAL, "answer",
			    strerror(errno));
			generation_sweep(s->text[SETTING_RUN_DIR], ticket);
		}
		/* Our copy would make a dead generator seem to listen. */
		(void)close(fd);
	}
}

/* One try to attach. */
static void
attach(struct question *q)
{
	int	claim;

	if (!connect_to(q) || q->state != QUESTION_ATTACHING)
		return;
	if (generation_prepare(q->settings->text[SETTING_RUN_DIR]) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "run_dir", strerror(errno));
		return;
	}
	claim = generation_claim(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket);
	if (claim == -1) {
		if (errno != 0)
			outcome_system(q, FAILURE_INTERNAL, "claim",
			    strerror(errno));
		return;
	}
	/* Somebody may have come, or gone, before the claim was ours. */
	if (connect_to(q) && q->state == QUESTION_ATTACHING && !look(q))
		start(q);
	(void)close(claim);
}

/* Attach: a try, and when the next one is due. */
static void
attach_step(struct question *q, int64_t now)
{
	attach(q);
	if (q->state != QUESTION_ATTACHING)
		return;
	if (now >= q->deadline) {
		outcome_system(q, FAILURE_INTERNAL, "attach",
		    "nobody starts the generation");
		return;
	}
	q->next = clock_us() + q->pause;
	q->pause = q->pause * 2 < ATTACH_PAUSE_US_MAX ? q->pause * 2 :
	    ATTACH_PAUSE_US_MAX;
}

void
question_look(struct question *q, int64_t now)
{
	q->state = QUESTION_ATTACHING;
	q->pause = ATTACH_PAUSE_US_MIN;
	q->deadline = now + ATTACH_TIMEOUT * INT64_C(1000);
	if (!look(q))
		attach_step(q, now);
}

void
question_note(struct question *q, struct request *r)
{
	int64_t	id = 0;

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
	q->started = now;
	q->first = 0;
	q->bytes = 0;
	q->session = 0;
	q->tries = 0;
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
	if (q->state == QUESTION_ATTACHING)
		return q->next;
	/* A client that reads slowly is left behind in answer's buffer. */
	if (q->state == QUESTION_FOLLOWING &&
	    output_size(q->out) < OUTPUT_PENDING) {
		p->fd = q->fd;
		p->events = POLLIN;
	}
	return CLOCK_NEVER;
}

void
question_step(struct question *q, const struct pollfd *p, int64_t now)
{
	if (q->state == QUESTION_ATTACHING && now >= q->next)
		attach_step(q, now);
	else if (q->state == QUESTION_FOLLOWING && p->fd == q->fd &&
	    p->revents != 0)
		follow_step(q, now);
	follow_stop(q);
}

void
question_stop(struct question *q)
{
	int	fd;

	if (q->state != QUESTION_IDLE) {
		q->stop = true;
		follow_stop(q);
	} else if (generation_connect(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket, &fd) == GENERATION_RUNNING) {
		generation_say_stop(fd);
		(void)close(fd);
	}
}

void
question_free(struct question *q)
{
	if (q->fd != -1)
		(void)close(q->fd);
	q->fd = -1;
	q->state = QUESTION_IDLE;
	store_close(q->store);
	q->store = NULL;
	request_free(&q->request);
	buf_free(&q->in);
}
