/*
 * A question's life; it looks here, attach.c and follow.c go on.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "generation/generation.h"
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
	q->remote = !store_serves(s->text[SETTING_DATABASE]);
	q->fd = q->pidfd = q->run_dir = q->claim = -1;
	q->child.fd = q->child.pidfd = -1;
	q->in.cap = 4 * FRAME_MAX;
}

/* Notes what the verdict says of the newest answer. */
static void
question_newest(struct question *q, const struct verdict *v)
{
	if (v->newest == SEEN_UNKNOWN)
		return;
	q->newest = v->newest;
	if (q->noted == SEEN_UNKNOWN)
		q->noted = v->newest;
	if (q->request.seen == SEEN_UNKNOWN)
		q->request.seen = v->newest;
}

/* Goes on with a verdict; the output had `before' bytes without its frames. */
static void
question_verdict(struct question *q, enum query_kind kind,
    const struct verdict *v, size_t before, int64_t now)
{
	question_newest(q, v);
	q->state = QUESTION_ATTACHING;
	if (*v->call != '\0')
		outcome_system(q, v->failure.code, v->call, v->error);
	else if (v->failure.code != FAILURE_NONE)
		outcome_error(q, &v->failure);
	else if (v->session != 0)
		outcome_cached(q, v->session, before);
	else if (kind == QUERY_BEGIN)
		attach_start(q, v->user_hash);
	else
		attach_begin(q, v, now);
}

/* A stop has got through, or not: there is no question that ends with it. */
static void
stop_ended(struct question *q, const char *error)
{
	char	text[512];

	if (error != NULL)
		log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64
		    " call=stop error=\"%s\"", q->connection->id,
		    q->connection->ticket, log_value(text, sizeof(text),
		    error));
	q->state = QUESTION_IDLE;
}

void
question_ask(struct question *q, enum query_kind kind, int64_t now)
{
	char			who[ADMISSION_WHO] = "";
	const struct query	query = { kind, q->connection->ticket,
				    q->session, &q->request, who,
				    !q->charged };
	const size_t		before = q->out->data.len;
	struct verdict		v;

	if (kind == QUERY_BEGIN) {
		admission_who(q->admission, who);
		q->charged = true;	/* once, however often it is started */
	}
	if (!q->remote) {
		query_run(&q->store, q->settings, &query, &q->out->data, &v);
		question_verdict(q, kind, &v, before, now);
		return;
	}
	q->asked = kind;
	q->state = kind == QUERY_STOP ? QUESTION_STOPPING : QUESTION_ASKING;
	if (query_start(&q->child, q->settings, &query) == 0)
		return;
	if (kind == QUERY_STOP)
		stop_ended(q, strerror(errno));
	else
		outcome_system(q, FAILURE_INTERNAL, "query", strerror(errno));
}

/* Goes on with asking a server. */
static void
ask_step(struct question *q, int64_t now)
{
	const enum child_progress	progress = child_step(&q->child, now);
	const size_t			before = q->out->data.len;
	struct verdict			v;

	if (progress == CHILD_MORE)
		return;
	query_answer(&q->child, progress, &q->out->data, &v);
	if (q->asked == QUERY_STOP)
		stop_ended(q, v.failure.code == FAILURE_NONE ? NULL : v.error);
	else
		question_verdict(q, q->asked, &v, before, now);
}

void
question_note(struct question *q, struct request *r, bool behind)
{
	int64_t	id = 0;

	if (q->remote) {
		/* It looks itself; of several that came together the first. */
		r->seen = behind || q->state != QUESTION_IDLE ? SEEN_SAME :
		    SEEN_UNKNOWN;
		return;
	}
	if (!r->refresh || r->failure.code != FAILURE_NONE)
		return;
	/* Without a database the question itself will say so. */
	if (store_open(&q->store, q->settings->text[SETTING_DATABASE]) ==
	    FAILURE_NONE)
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
		question_ask(q, QUERY_LOOK, now);
}

int64_t
question_wait(const struct question *q, struct pollfd *p)
{
	p->fd = -1;
	p->events = 0;
	/* A client that reads slowly is left behind in answer's buffer. */
	if (q->state == QUESTION_FOLLOWING) {
		if (output_size(q->out) >= OUTPUT_PENDING)
			return CLOCK_NEVER;
		p->fd = q->fd;
		p->events = POLLIN;
		return follow_deadline(q);
	}
	if (q->child.fd != -1) {
		p->fd = q->child.fd;
		p->events = POLLIN;
		return q->child.deadline;
	}
	return q->state == QUESTION_IDLE ? CLOCK_NEVER : q->next;
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
		/* It may run on another machine. */
		if (!q->remote)
			break;
		question_ask(q, QUERY_STOP, now);
		return;
	case GENERATION_ERROR:
	default:
		break;
	}
	q->state = QUESTION_IDLE;
}

void
question_step(struct question *q, const struct pollfd *p, int64_t now)
{
	if (q->state == QUESTION_FOLLOWING && p->fd == q->fd &&
	    p->revents != 0)
		follow_step(q, now);
	else if (q->state == QUESTION_FOLLOWING)
		follow_wait(q, p->fd == q->fd, now);
	else if (q->child.fd != -1)
		ask_step(q, now);
	else if (q->state == QUESTION_ATTACHING && now >= q->next)
		attach_step(q, now);
	else if (q->state == QUESTION_STOPPING && now >= q->next)
		say_stop(q, now);
	follow_stop(q, now);
}

void
question_stop(struct question *q)
{
	const int64_t	now = clock_us();

	/* A server may be silent: nobody who stops waits for it. */
	if (q->state == QUESTION_ASKING)
		outcome_code(q, FAILURE_STOPPED);
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
	if (q->claim != -1)
		(void)close(q->claim);
	q->fd = q->pidfd = q->run_dir = q->claim = -1;
	child_end(&q->child);
	q->state = QUESTION_IDLE;
	store_close(q->store);
	q->store = NULL;
	request_free(&q->request);
	buf_free(&q->in);
}
