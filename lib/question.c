/*
 * Look, attach, follow.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "frame.h"
#include "generation.h"
#include "limit.h"
#include "log.h"
#include "question.h"

static const char	stop_line[] = "stop\n";

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

/* Ends the question: one log line, everything of it given back. */
static void
finish(struct question *q, const char *outcome, enum failure_code code)
{
	int64_t	now = clock_us();
	char	user[128];

	log_line(LOG_LEVEL_INFO, "id=%s remote=%s user=\"%s\" ticket=%"
	    PRId64 " session=%" PRId64 " outcome=%s code=%s bytes=%zu first_ms=%"
	    PRId64 " total_ms=%" PRId64, q->connection->id,
	    q->connection->remote, log_value(user, sizeof(user),
	    admission_user(q->admission)),
	    q->connection->ticket, q->session, outcome,
	    code == FAILURE_NONE ? "-" : failure_name(code), q->bytes,
	    q->first == 0 ? 0 : (q->first - q->started) / 1000,
	    (now - q->started) / 1000);
	if ((int)failure_exit(code) > q->exit_code)
		q->exit_code = (int)failure_exit(code);
	question_free(q);
}

/* Counts what was appended to the output since it had `before' bytes. */
static void
count(struct question *q, size_t before)
{
	q->bytes += q->out->data.len - before;
	if (q->first == 0)
		q->first = clock_us();
}

static void
finish_error(struct question *q, const struct failure *f)
{
	size_t	before = q->out->data.len;

	if (frame_error(&q->out->data, f, q->request.language) == -1)
		log_line(LOG_LEVEL_ERROR, "error=\"no memory\"");
	count(q, before);
	finish(q, "error", f->code);
}

static void
finish_code(struct question *q, enum failure_code code)
{
	struct failure	f = failure_make(code, NULL);

	finish_error(q, &f);
}

/* Says why in the log, and `code' to the viewer. */
static void
finish_system(struct question *q, enum failure_code code, const char *what,
    const char *why)
{
	char	text[512];

	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64
	    " call=%s error=\"%s\"", q->connection->id, q->connection->ticket,
	    what, log_value(text, sizeof(text), why));
	finish_code(q, code);
}

static void
finish_store(struct question *q, enum failure_code code)
{
	finish_system(q, code, "store", store_error(q->store));
}

/* Sends a kept answer whole. */
static void
finish_cached(struct question *q, const struct session *s)
{
	const struct request	*r = &q->request;
	size_t			 before = q->out->data.len;
	bool			 changed;

	changed = s->prompt_len != r->body.len ||
	    memcmp(s->prompt, r->body.data, r->body.len) != 0;
	q->session = s->id;
	if (frame_cached(&q->out->data, s->response, s->response_len,
	    s->created, changed, r->language) == -1 ||
	    frame_done(&q->out->data, false) == -1) {
		finish_code(q, FAILURE_INTERNAL);
		return;
	}
	count(q, before);
	finish(q, "cached", FAILURE_NONE);
}

/* Opens the store if it is not; FAILURE_NONE or why not. */
static enum failure_code
open_store(struct question *q)
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
	enum failure_code	rc;
	struct session		s = { 0 };

	if ((rc = open_store(q)) == FAILURE_NONE)
		rc = store_session_by_ticket(q->store,
		    q->connection->ticket, &s);
	if (rc != FAILURE_NONE)
		finish_store(q, rc);
	else if (serves(q, &s))
		finish_cached(q, &s);
	session_free(&s);
	return q->state == QUESTION_IDLE;
}

/* Connected: from now on forward what comes, without a database. */
static void
follow(struct question *q, int fd)
{
	q->fd = fd;
	q->state = QUESTION_FOLLOWING;
	q->session = 0;
	buf_clear(&q->in);
	store_close(q->store);
	q->store = NULL;
	/* SQLite's 130 kB go back too: a viewer may wait for long. */
	(void)malloc_trim(0);
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
		follow(q, fd);
		return false;
	case GENERATION_BUSY:
		return false;
	case GENERATION_ERROR:
	default:
		finish_system(q, FAILURE_INTERNAL, "connect", strerror(errno));
		return false;
	}
}

/* Under the claim, when nobody generates and no answer is kept. */
static void
start(struct question *q)
{
	const struct settings	*s = q->settings;
	const struct request	*r = &q->request;
	const int64_t		 ticket = q->connection->ticket;
	enum failure_code	 rc;
	struct failure		 f;
	char			 name[24];
	int64_t			 session;
	int			 fd;

	f = admission_charge(q->admission);
	if (f.code != FAILURE_NONE) {
		finish_error(q, &f);
		return;
	}
	rc = store_get_or_create(q->store, ticket, r->body.data, r->body.len,
	    s->number[SETTING_TICKETS] == TICKETS_EXISTING, &session);
	if (rc == FAILURE_UNKNOWN_TICKET) {
		(void)snprintf(name, sizeof(name), "%" PRId64, ticket);
		f = failure_make(rc, name);
		finish_error(q, &f);
	} else if (rc != FAILURE_NONE) {
		finish_store(q, rc);
	} else if ((fd = generation_listen(s->text[SETTING_RUN_DIR],
	    ticket)) == -1) {
		finish_system(q, FAILURE_INTERNAL, "listen", strerror(errno));
	} else {
		if (generation_start(s, ticket, session, fd, r->body.data,
		    r->body.len) == -1) {
			finish_system(q, FAILURE_INTERNAL, "answer",
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
		finish_system(q, FAILURE_INTERNAL, "run_dir", strerror(errno));
		return;
	}
	claim = generation_claim(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket);
	if (claim == -1) {
		if (errno != 0)
			finish_system(q, FAILURE_INTERNAL, "claim",
			    strerror(errno));
		return;
	}
	/* Somebody may have come, or gone, before the claim was ours. */
	if (connect_to(q) && q->state == QUESTION_ATTACHING && !look(q))
		start(q);
	(void)close(claim);
	if (q->state == QUESTION_ATTACHING)
		(void)connect_to(q);
}

/* Attach: a try, and when the next one is due. */
static void
attach_step(struct question *q, int64_t now)
{
	attach(q);
	if (q->state != QUESTION_ATTACHING)
		return;
	if (now >= q->deadline) {
		finish_system(q, FAILURE_INTERNAL, "attach",
		    "nobody starts the generation");
		return;
	}
	q->next = clock_us() + q->pause;
	q->pause = q->pause * 2 < ATTACH_PAUSE_US_MAX ? q->pause * 2 :
	    ATTACH_PAUSE_US_MAX;
}

/* Begins, or begins anew: look, then attach. */
static void
look_and_attach(struct question *q, int64_t now)
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
	if (open_store(q) == FAILURE_NONE)
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
	q->stop = q->stop_sent = false;
	if (f.code != FAILURE_NONE)
		finish_error(q, &f);
	else
		look_and_attach(q, now);
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

/* The generator is gone without a terminal frame. */
static void
lost(struct question *q, int64_t now)
{
	enum failure_code	rc;
	struct session		s = { 0 };

	(void)close(q->fd);
	q->fd = -1;
	if (q->session == 0 && ++q->tries < ATTACH_TRIES) {
		look_and_attach(q, now);	/* it went just as we came */
		return;
	}
	q->state = QUESTION_ATTACHING;
	if ((rc = open_store(q)) == FAILURE_NONE)
		rc = store_session(q->store, q->connection->ticket,
		    q->session, &s);
	if (rc != FAILURE_NONE)
		finish_store(q, rc);
	else if (s.id != 0)
		finish_cached(q, &s);	/* whole: what was shown may differ */
	else
		finish_code(q, FAILURE_INTERRUPTED);
	session_free(&s);
}

/* Sends the viewer's wish to stop, once; five bytes always fit. */
static void
send_stop(struct question *q)
{
	if (q->state != QUESTION_FOLLOWING || !q->stop || q->stop_sent)
		return;
	q->stop_sent = true;
	(void)!send(q->fd, stop_line, sizeof(stop_line) - 1,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Forwards lines of the generation as they are. */
static bool
forward(struct question *q, const char *line, size_t len)
{
	size_t	before = q->out->data.len;

	if (len == 0)
		return true;
	if (buf_add(&q->out->data, line, len) == -1) {
		finish_code(q, FAILURE_INTERNAL);
		return false;
	}
	count(q, before);
	return true;
}

/*
 * Reads the whole lines of q->in; those that go to the viewer as they are go
 * in one piece.  The rest of a line stays.
 */
static void
read_lines(struct question *q)
{
	char		*line = q->in.data, *end = line + q->in.len, *nl;
	char		*from = line;	/* not yet forwarded */
	struct frame	 f;

	for (; (nl = memchr(line, '\n', (size_t)(end - line))) != NULL;
	    line = nl + 1) {
		frame_read(&f, line, (size_t)(nl - line));
		if (f.type == FRAME_STREAM || f.type == FRAME_DONE ||
		    (f.type == FRAME_STATUS && q->request.status)) {
			if (f.type != FRAME_DONE)
				continue;
			if (forward(q, from, (size_t)(nl + 1 - from)))
				finish(q, "generated", FAILURE_NONE);
			return;
		}
		if (!forward(q, from, (size_t)(line - from)))
			return;
		from = nl + 1;
		if (f.type == FRAME_SESSION) {
			q->session = f.session;
		} else if (f.type == FRAME_ERROR) {
			finish_error(q, &f.failure);
			return;
		}
	}
	if (forward(q, from, (size_t)(line - from)))
		buf_drop(&q->in, (size_t)(line - q->in.data));
}

/* Follow: takes what has come. */
static void
follow_step(struct question *q, int64_t now)
{
	char	data[FRAME_MAX];	/* stack that is touched stays */
	ssize_t	n;

	n = recv(q->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lost(q, now);
	} else if (buf_add(&q->in, data, (size_t)n) == -1) {
		finish_system(q, FAILURE_INTERNAL, "follow", strerror(errno));
	} else {
		read_lines(q);
	}
}

void
question_step(struct question *q, const struct pollfd *p, int64_t now)
{
	if (q->state == QUESTION_ATTACHING && now >= q->next)
		attach_step(q, now);
	else if (q->state == QUESTION_FOLLOWING && p->fd == q->fd &&
	    p->revents != 0)
		follow_step(q, now);
	send_stop(q);
}

void
question_stop(struct question *q)
{
	int	fd;

	if (q->state != QUESTION_IDLE) {
		q->stop = true;
		send_stop(q);
	} else if (generation_connect(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket, &fd) == GENERATION_RUNNING) {
		(void)!send(fd, stop_line, sizeof(stop_line) - 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
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
