/*
 * The states of a question; see question.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "store/identity.h"
#include "viewer/question.h"

enum {
	OPEN_PAUSE = 2000	/* ms between two looks whether another machine
				   has saved the answer */
};

/* What a state's function returns. */
enum question_next {
	QUESTION_GO_ON,		/* the state is another one: its function is
				   due */
	QUESTION_WAIT,		/* for what question_wait says */
	QUESTION_ENDED		/* question_end is due */
};

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

/*
 * How a question ends.  Each of these writes its last frame and notes what
 * question_end needs.
 */

/* The last frame is written; `word' is for the log. */
static enum question_next
question_done(struct question *q, const char *word, enum failure_code code)
{
	q->outcome = word;
	q->code = code;
	q->exit = (int)failure_exit(code);
	return QUESTION_ENDED;
}

/* Counts what was appended to the output since it had `before' bytes. */
static void
question_count(struct question *q, size_t before)
{
	q->bytes += q->out->data.len - before;
}

static enum question_next
question_fail(struct question *q, const struct failure *f)
{
	const size_t	before = q->out->data.len;

	if (frame_error(&q->out->data, f, q->request.language) == -1)
		log_line(LOG_LEVEL_ERROR, "error=\"no memory\"");
	question_count(q, before);
	return question_done(q, "error", f->code);
}

static enum question_next
question_fail_code(struct question *q, enum failure_code code)
{
	const struct failure	f = failure_make(code, NULL);

	return question_fail(q, &f);
}

/* Notes for the log which call has failed, and why. */
static void
question_blame(struct question *q, const char *call, const char *error)
{
	(void)snprintf(q->call, sizeof(q->call), "%s", call);
	(void)log_value(q->error, sizeof(q->error), error);
}

/* A call has failed. */
static enum question_next
question_fail_call(struct question *q, enum failure_code code,
    const char *call, const char *error)
{
	question_blame(q, call, error);
	return question_fail_code(q, code);
}

static enum question_next
question_fail_errno(struct question *q, const char *call)
{
	return question_fail_call(q, FAILURE_INTERNAL, call, strerror(errno));
}

/* The one place that ends a question and gives back what it holds. */
static void
question_end(struct question *q)
{
	const int64_t	now = clock_us();
	char		user[128];

	/* Before the log, which may block; chat sees what cannot be written. */
	(void)!output_write(q->out, now);
	if (q->outcome != NULL && !q->request.quiet)
		log_line(LOG_LEVEL_INFO, "id=%s remote=%s user=\"%s\" ticket=%"
		    PRId64 " session=%" PRId64 " outcome=%s code=%s bytes=%zu"
		    " tokens=%" PRId64 " first_ms=%" PRId64 " total_ms=%"
		    PRId64, q->connection->id, q->connection->remote,
		    log_value(user, sizeof(user),
		    admission_user(q->admission)), q->connection->ticket,
		    q->session, q->outcome, q->code == FAILURE_NONE ? "-" :
		    failure_name(q->code), q->bytes, q->tokens,
		    q->first == 0 ? 0 : (q->first - q->started) / 1000,
		    (now - q->started) / 1000);
	if (*q->call != '\0')
		log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64
		    " call=%s error=\"%s\"", q->connection->id,
		    q->connection->ticket, q->call, q->error);
	if (q->exit > q->exit_code)
		q->exit_code = q->exit;
	question_free(q);
}

/*
 * LOOKING and STARTING: the database is asked, and its verdict read.
 */

/* Has the database asked by the state's function, from now on. */
static enum question_next
question_look(struct question *q, enum query_kind kind)
{
	q->state = kind == QUERY_BEGIN ? QUESTION_STARTING : QUESTION_LOOKING;
	q->asked = kind;
	q->next = 0;
	return QUESTION_GO_ON;
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

/*
 * With the saved answer of a session: its frame is what the output has behind
 * the first `before' bytes.
 */
static enum question_next
question_cached(struct question *q, int64_t session, size_t before)
{
	q->session = session;
	if (frame_done(&q->out->data, false, 0, q->request.sessions ?
	    session : 0) == -1)
		return question_fail_code(q, FAILURE_INTERNAL);
	question_count(q, before);
	if (q->first == 0)
		q->first = clock_us();
	return question_done(q, "cached", FAILURE_NONE);
}

/*
 * Shares RUN_DIR, which must be this database's (store/identity.h).  At a shell
 * a service that is ending or starting is waited for, and a wrong RUN_DIR is a
 * wrong setting.  Returns QUESTION_GO_ON where it is shared.
 */
static enum question_next
question_share(struct question *q, const char *id)
{
	const bool	shell = !q->connection->websocketd;
	char		why[1024], text[1024];

	if (q->run_dir != -1)
		return QUESTION_GO_ON;
	if (generation_prepare(q->settings->text[SETTING_RUN_DIR]) == -1)
		return question_fail_errno(q, "run_dir");
	q->run_dir = identity_share(q->settings, id, shell ? q->store : NULL,
	    shell ? IDENTITY_WAIT : 0, why, sizeof(why));
	if (q->run_dir != -1)
		return QUESTION_GO_ON;
	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64 " error=\"%s\"",
	    q->connection->id, q->connection->ticket, log_value(text,
	    sizeof(text), why));
	(void)question_fail_code(q, FAILURE_INTERNAL);
	q->exit = EXIT_SETTINGS;
	return QUESTION_ENDED;
}

/* No saved answer serves: the ticket's generation is looked for. */
static enum question_next
question_attach(struct question *q, const struct verdict *v, int64_t now)
{
	memcpy(q->text_hash, v->text_hash, sizeof(q->text_hash));
	if (question_share(q, v->identity) == QUESTION_ENDED)
		return QUESTION_ENDED;
	q->pause = ATTACH_PAUSE_US_MIN;
	q->deadline = now + ATTACH_TIMEOUT * INT64_C(1000);
	q->next = now;
	q->state = QUESTION_ATTACHING;
	return QUESTION_GO_ON;
}

/* Connected to the generation: from now on what comes is forwarded. */
static enum question_next
question_follow(struct question *q, int fd)
{
	q->fd = fd;
	q->state = QUESTION_FOLLOWING;
	q->session = 0;
	q->stop_sent = q->alive = q->changed = q->waiting = q->elsewhere =
	    false;
	q->waits = 0;
	q->wait_end = clock_us() + ALIVE * INT64_C(1000000);
	buf_clear(&q->in);
	store_close(q->store);
	q->store = NULL;
	/* A viewer may wait for long: SQLite's 130 kB go back as well. */
	(void)malloc_trim(0);
	return QUESTION_GO_ON;
}

static void
question_drop_claim(struct question *q)
{
	if (q->claim != -1)
		(void)close(q->claim);
	q->claim = -1;
}

/* Another try to attach, after a pause. */
static enum question_next
question_pause(struct question *q, int64_t now)
{
	if (now >= q->deadline)
		return question_fail_call(q, FAILURE_INTERNAL, "attach",
		    "nobody starts the generation");
	q->state = QUESTION_ATTACHING;
	q->next = clock_us() + q->pause;
	q->pause = q->pause * 2 < ATTACH_PAUSE_US_MAX ? q->pause * 2 :
	    ATTACH_PAUSE_US_MAX;
	return QUESTION_WAIT;
}

/*
 * Under the claim: makes the socket and the session's row, connects, and only
 * then starts the generation, which may be over before we would come.
 */
static enum question_next
question_spawn(struct question *q, const char *user_hash, int listener,
    int64_t session, int64_t now)
{
	const char	*run_dir = q->settings->text[SETTING_RUN_DIR];
	const int64_t	 ticket = q->connection->ticket;
	int		 fd;

	switch (generation_connect(run_dir, ticket, &fd)) {
	case GENERATION_RUNNING:
		break;
	case GENERATION_ERROR:
		return question_fail_errno(q, "connect");
	case GENERATION_NONE:
	case GENERATION_BUSY:
	default:
		return question_pause(q, now);
	}
	if (generation_start(q->settings, ticket, session, q->newest, listener,
	    q->request.body.data, q->request.body.len, q->text_hash, user_hash,
	    q->run_dir) != -1)
		return question_follow(q, fd);
	(void)question_fail_errno(q, "answer");
	(void)close(fd);
	generation_sweep(run_dir, ticket);
	return QUESTION_ENDED;
}

/* Nobody generates, no answer is saved, and the user may have one made. */
static enum question_next
question_start(struct question *q, const char *user_hash, int64_t now)
{
	const struct settings	*s = q->settings;
	const int64_t		 ticket = q->connection->ticket;
	enum question_next	 next;
	enum failure_code	 rc = FAILURE_NONE;
	struct failure		 f;
	int64_t			 session = 0;
	char			 name[24];
	int			 listener;

	/* Where several nodes share the database `answer' does that. */
	if (!q->remote)
		rc = store_get_or_create(q->store, ticket,
		    s->number[SETTING_TICKETS] == TICKETS_EXISTING, q->newest,
		    &session);
	if (rc == FAILURE_UNKNOWN_TICKET) {
		/* It was deleted after the look. */
		(void)snprintf(name, sizeof(name), "%" PRId64, ticket);
		f = failure_make(rc, name);
		return question_fail(q, &f);
	}
	if (rc != FAILURE_NONE)
		return question_fail_call(q, rc, "store",
		    store_error(q->store));
	if ((listener = generation_listen(s->text[SETTING_RUN_DIR],
	    ticket)) == -1)
		return question_fail_errno(q, "listen");
	next = question_spawn(q, user_hash, listener, session, now);
	/* Our copy would make a dead generation seem to listen. */
	(void)close(listener);
	question_drop_claim(q);
	return next;
}

/*
 * Another machine writes the answer that this question is to open, and nothing
 * is started here for it: the database is asked again after a pause.
 */
static enum question_next
question_wait_elsewhere(struct question *q, int64_t now)
{
	question_drop_claim(q);
	if (now >= q->started + q->settings->number[SETTING_ANSWER_TIMEOUT] *
	    INT64_C(1000000))
		return question_fail_code(q, FAILURE_INTERRUPTED);
	q->next = now + OPEN_PAUSE * INT64_C(1000);
	q->state = QUESTION_LOOKING;
	q->asked = QUERY_LOOK;
	return QUESTION_WAIT;
}

/* Goes on with a verdict; the output had `before' bytes without its frame. */
static enum question_next
question_verdict(struct question *q, const struct verdict *v, size_t before,
    int64_t now)
{
	question_newest(q, v);
	if (*v->call != '\0')
		return question_fail_call(q, v->failure.code, v->call,
		    v->error);
	if (v->failure.code != FAILURE_NONE)
		return question_fail(q, &v->failure);
	if (v->session != 0)
		return question_cached(q, v->session, before);
	if (q->asked == QUERY_BEGIN && v->heard)
		return question_wait_elsewhere(q, now);
	if (q->asked == QUERY_BEGIN)
		return question_start(q, v->user_hash, now);
	return question_attach(q, v, now);
}

/*
 * Asks the database: a file here and now, a server by a program, which
 * question_hear waits for.
 */
static enum question_next
question_ask(struct question *q, int64_t now)
{
	char			who[ADMISSION_WHO] = "";
	const struct query	query = { q->asked, q->connection->ticket,
				    q->session, &q->request, who,
				    !q->charged };
	const size_t		before = q->out->data.len;
	struct verdict		v;

	if (q->asked == QUERY_BEGIN) {
		admission_who(q->admission, who);
		q->charged = true;	/* once, however often it is started */
	}
	if (!q->remote) {
		query_run(&q->store, q->settings, &query, &q->out->data, &v);
		return question_verdict(q, &v, before, now);
	}
	if (query_start(&q->child, q->settings, &query) == -1)
		return question_fail_errno(q, "query");
	return QUESTION_WAIT;
}

/* Reads what the program that asks a server has said; whether it has ended. */
static bool
question_heard(struct question *q, struct verdict *v, int64_t now)
{
	const enum child_progress	progress = child_step(&q->child, now);

	if (progress != CHILD_MORE)
		query_answer(&q->child, progress, &q->out->data, v);
	return progress != CHILD_MORE;
}

/* LOOKING, STARTING. */
static enum question_next
question_looking(struct question *q, int64_t now)
{
	const size_t	before = q->out->data.len;
	struct verdict	v;

	if (q->child.fd == -1)
		return now < q->next ? QUESTION_WAIT : question_ask(q, now);
	return question_heard(q, &v, now) ?
	    question_verdict(q, &v, before, now) : QUESTION_WAIT;
}

/*
 * ATTACHING: connects to the ticket's generation, or takes the claim to start
 * it.  Somebody else may be about to do that, or has just gone: hence the
 * pauses.
 */

/*
 * Connects to the ticket's generation.  Returns whether nobody listens; if not,
 * *next says how to go on.
 */
static bool
question_is_alone(struct question *q, enum question_next *next, int64_t now)
{
	int	fd;

	switch (generation_connect(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket, &fd)) {
	case GENERATION_NONE:
		return true;
	case GENERATION_RUNNING:
		*next = question_follow(q, fd);
		return false;
	case GENERATION_BUSY:
		*next = question_pause(q, now);
		return false;
	case GENERATION_ERROR:
	default:
		*next = question_fail_errno(q, "connect");
		return false;
	}
}

static enum question_next
question_attaching(struct question *q, int64_t now)
{
	const char		*run_dir = q->settings->text[SETTING_RUN_DIR];
	enum question_next	 next;

	if (now < q->next)
		return QUESTION_WAIT;
	if (!question_is_alone(q, &next, now))
		return next;
	if (generation_prepare(run_dir) == -1)
		return question_fail_errno(q, "run_dir");
	q->claim = generation_claim(run_dir, q->connection->ticket);
	if (q->claim == -1)
		return errno == 0 ? question_pause(q, now) :
		    question_fail_errno(q, "claim");
	/* Somebody may have come, or gone, before the claim was ours. */
	if (question_is_alone(q, &next, now))
		return question_look(q, QUERY_BEGIN);
	question_drop_claim(q);
	return next;
}

/*
 * FOLLOWING: what the generation sends goes to the viewer.
 */

/* Leaves the generation, and looks what is saved. */
static enum question_next
question_leave(struct question *q, enum query_kind kind)
{
	(void)close(q->fd);
	if (q->pidfd != -1)
		(void)close(q->pidfd);
	q->fd = q->pidfd = -1;
	q->waiting = false;
	return question_look(q, kind);
}

/* The generation is gone without a terminal frame. */
static enum question_next
question_lost(struct question *q)
{
	/* What was waited for has ended; or it went just as we came. */
	if (q->waiting || q->elsewhere ||
	    (q->session == 0 && ++q->tries < ATTACH_TRIES))
		return question_leave(q, QUERY_LOOK);
	return question_leave(q, QUERY_SESSION);
}

/* Forwards lines of the generation as they are; false: there is no memory. */
static bool
question_forward(struct question *q, const char *line, size_t len)
{
	const size_t	before = q->out->data.len;

	if (len > 0 && buf_add(&q->out->data, line, len) == -1)
		return false;
	question_count(q, before);
	return true;
}

/*
 * The first line of a generation: which session it works on, and whether it
 * answers another text than ours.  Returns false if there is no memory.
 */
static bool
question_begun(struct question *q, const struct frame *f)
{
	q->session = f->session;
	q->elsewhere = f->session == 0;
	q->alive = f->alive;
	/* It is this process as long as the connection to it is open. */
	if (q->alive && q->pidfd == -1 && f->pid > 0 && f->pid <= INT_MAX)
		q->pidfd = pidfd_open((pid_t)f->pid, 0);
	q->changed = f->text_hash[0] != '\0' && q->text_hash[0] != '\0' &&
	    strcmp(f->text_hash, q->text_hash) != 0;
	q->waiting = q->changed &&
	    q->settings->number[SETTING_CACHE] == CACHE_BODY;
	return !q->waiting || !q->request.status ||
	    frame_status(&q->out->data, FRAME_QUEUED, 1, 0) == 0;
}

/* The last line: forwarded, with bodyChanged if it was another text. */
static enum question_next
question_generated(struct question *q, const char *line, size_t len)
{
	const size_t	before = q->out->data.len;

	if (!q->changed && !q->request.sessions) {
		if (!question_forward(q, line, len + 1))
			return question_fail_code(q, FAILURE_INTERNAL);
	} else {
		if (frame_done_again(&q->out->data, line, len, q->changed,
		    q->request.sessions ? q->session : 0) == -1)
			return question_fail_code(q, FAILURE_INTERNAL);
		question_count(q, before);
	}
	return question_done(q, "generated", FAILURE_NONE);
}

/* A line that is not forwarded as it is. */
static enum question_next
question_line(struct question *q, const struct frame *f, const char *line,
    size_t len)
{
	/* What was waited for, with another text, has ended: ours is next. */
	if (q->waiting && (f->type == FRAME_DONE || f->type == FRAME_ERROR))
		return question_leave(q, QUERY_LOOK);
	if (f->type == FRAME_DONE)
		return question_generated(q, line, len);
	if (f->type == FRAME_ERROR)
		return question_fail(q, &f->failure);
	/* What is saved is not what was shown. */
	if (f->type == FRAME_KEPT && !q->waiting)
		return question_leave(q, QUERY_SESSION);
	if (f->type == FRAME_SESSION && !question_begun(q, f))
		return question_fail_code(q, FAILURE_INTERNAL);
	if (f->type == FRAME_COST)
		q->tokens = f->tokens;
	return QUESTION_WAIT;
}

/* Whether a line goes to the viewer as it is. */
static bool
question_shows(const struct question *q, const struct frame *f)
{
	return !q->waiting && (f->type == FRAME_STREAM ||
	    (f->type == FRAME_STATUS && q->request.status));
}

/*
 * Reads the whole lines of q->in; those that go to the viewer as they are go
 * in one piece.  The rest of a line stays.
 */
static enum question_next
question_lines(struct question *q)
{
	char			*line = q->in.data, *end = line + q->in.len;
	char			*nl, *from = line;	/* not forwarded yet */
	enum question_next	 next;
	struct frame		 f;

	for (; (nl = memchr(line, '\n', (size_t)(end - line))) != NULL;
	    line = nl + 1) {
		frame_read(&f, line, (size_t)(nl - line));
		if (question_shows(q, &f)) {
			if (f.type == FRAME_STREAM && q->first == 0)
				q->first = clock_us();
			continue;
		}
		if (!question_forward(q, from, (size_t)(line - from)))
			return question_fail_code(q, FAILURE_INTERNAL);
		from = nl + 1;
		if ((next = question_line(q, &f, line, (size_t)(nl - line))) !=
		    QUESTION_WAIT)
			return next;
	}
	if (!question_forward(q, from, (size_t)(line - from)))
		return question_fail_code(q, FAILURE_INTERNAL);
	buf_drop(&q->in, (size_t)(line - q->in.data));
	return QUESTION_WAIT;
}

static enum question_next
question_receive(struct question *q, int64_t now)
{
	/* On the stack but small: touched stack pages are never returned to
	   the system. */
	char	data[FRAME_MAX];
	ssize_t	n;

	n = recv(q->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return QUESTION_WAIT;
	q->waits = 0;
	q->wait_end = now + ALIVE * INT64_C(1000000);
	if (n <= 0)
		return question_lost(q);
	if (buf_add(&q->in, data, (size_t)n) == -1)
		return question_fail_errno(q, "follow");
	return question_lines(q);
}

/*
 * Whether a line must come: the first one of each generation, the others of
 * those only that promise them; one of version 0.1, which does not, may still
 * run.
 */
static bool
question_is_due(const struct question *q)
{
	return q->session == 0 || q->alive;
}

/* The generation stands still: it is killed, if we know which process it is. */
static enum question_next
question_give_up(struct question *q)
{
	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64 " session=%" PRId64
	    " call=follow error=\"the generation stands still\"",
	    q->connection->id, q->connection->ticket, q->session);
	if (q->pidfd != -1)
		(void)pidfd_send_signal(q->pidfd, SIGKILL, NULL, 0);
	/* A generation that nobody has met would only be waited for again. */
	if (q->session == 0)
		return question_fail_code(q, FAILURE_INTERRUPTED);
	return question_lost(q);
}

/*
 * Nothing has come.  A generation that was silent for ALIVE_WAITS waits, or for
 * ALIVE_WAITS_STOP since it was told to stop, stands still.  Waits are counted
 * and not time, so that neither a machine that slept nor a container that was
 * paused gives anybody up.  A wait in which we did not listen does not count.
 */
static enum question_next
question_silence(struct question *q, bool listened, int64_t now)
{
	enum question_next	next;

	if (listened && (!question_is_due(q) || now < q->wait_end))
		return QUESTION_WAIT;
	q->wait_end = now + ALIVE * INT64_C(1000000);
	if (!listened || ++q->waits < (q->stop_sent && q->session != 0 ?
	    ALIVE_WAITS_STOP : ALIVE_WAITS))
		return QUESTION_WAIT;
	/* Something may have come just now. */
	next = question_receive(q, now);
	return next == QUESTION_WAIT && q->waits > 0 ? question_give_up(q) :
	    next;
}

/* `p' is what was polled for; NULL: nothing, as it has just begun. */
static enum question_next
question_following(struct question *q, const struct pollfd *p, int64_t now)
{
	enum question_next	next = QUESTION_WAIT;

	if (p != NULL && p->fd == q->fd && p->revents != 0)
		next = question_receive(q, now);
	else if (p != NULL)
		next = question_silence(q, p->fd == q->fd, now);
	if (next != QUESTION_WAIT || !q->stop || q->stop_sent)
		return next;
	/* What others wait for as well is not this viewer's to stop. */
	if (q->waiting)
		return question_fail_code(q, FAILURE_STOPPED);
	q->stop_sent = true;
	q->waits = 0;
	q->wait_end = now + ALIVE * INT64_C(1000000);
	generation_say_stop(q->fd);
	return QUESTION_WAIT;
}

/*
 * STOPPING: no question, but a stop for the ticket's generation, which this
 * connection does not follow.
 */

/* A stop could not be delivered: there is no question to fail with it. */
static enum question_next
question_stop_failed(struct question *q, const char *error)
{
	question_blame(q, "stop", error);
	return QUESTION_ENDED;
}

/* Asks the server to end what runs on another node. */
static enum question_next
question_stop_elsewhere(struct question *q)
{
	const struct query	query = { QUERY_STOP, q->connection->ticket,
				    0, &q->request, "", false };

	return query_start(&q->child, q->settings, &query) == 0 ?
	    QUESTION_WAIT : question_stop_failed(q, strerror(errno));
}

static enum question_next
question_stopping(struct question *q, int64_t now)
{
	struct verdict	v;
	int		fd;

	if (q->child.fd != -1) {
		if (!question_heard(q, &v, now))
			return QUESTION_WAIT;
		return v.failure.code == FAILURE_NONE ? QUESTION_ENDED :
		    question_stop_failed(q, v.error);
	}
	if (now < q->next)
		return QUESTION_WAIT;
	switch (generation_connect(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket, &fd)) {
	case GENERATION_RUNNING:
		generation_say_stop(fd);
		(void)close(fd);
		return QUESTION_ENDED;
	case GENERATION_BUSY:
		if (now >= q->deadline)
			return QUESTION_ENDED;
		q->next = now + STOP_AGAIN * INT64_C(1000);
		return QUESTION_WAIT;
	case GENERATION_NONE:
		return q->remote ? question_stop_elsewhere(q) : QUESTION_ENDED;
	case GENERATION_ERROR:
	default:
		return QUESTION_ENDED;
	}
}

/*
 * The automaton.
 */

void
question_step(struct question *q, const struct pollfd *p, int64_t now)
{
	enum question_next	next = QUESTION_WAIT;

	do {
		switch (q->state) {
		case QUESTION_IDLE:
			return;
		case QUESTION_LOOKING:
		case QUESTION_STARTING:
			next = question_looking(q, now);
			break;
		case QUESTION_ATTACHING:
			next = question_attaching(q, now);
			break;
		case QUESTION_FOLLOWING:
			next = question_following(q, p, now);
			break;
		case QUESTION_STOPPING:
			next = question_stopping(q, now);
			break;
		}
		p = NULL;	/* it was the first state's */
	} while (next == QUESTION_GO_ON);
	if (next == QUESTION_ENDED)
		question_end(q);
}

void
question_note(struct question *q, struct request *r, bool behind)
{
	int64_t	id = 0;

	if (q->remote) {
		/* The look-up finds it out: of several requests that came
		   together the first one's. */
		r->seen = behind || (q->state != QUESTION_IDLE &&
		    q->state != QUESTION_STOPPING) ? SEEN_SAME : SEEN_UNKNOWN;
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

	if (f.code == FAILURE_NONE && r->type == REQUEST_OPEN &&
	    q->settings->number[SETTING_OPEN] == OPEN_OFF)
		f = failure_make(FAILURE_NOT_ALLOWED, NULL);
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
	q->text_hash[0] = q->call[0] = '\0';
	q->charged = q->stop = q->stop_sent = false;
	/* A client that has sent one new message knows the others. */
	q->sessions = q->sessions || q->request.sessions;
	q->request.sessions = q->sessions;
	if (f.code != FAILURE_NONE) {
		(void)question_fail(q, &f);
		question_end(q);
		return;
	}
	(void)question_look(q, QUERY_LOOK);
	question_step(q, NULL, now);
}

int64_t
question_wait(const struct question *q, struct pollfd *p)
{
	p->fd = -1;
	p->events = POLLIN;
	if (q->child.fd != -1) {
		p->fd = q->child.fd;
		return q->child.deadline;
	}
	switch (q->state) {
	case QUESTION_FOLLOWING:
		/* For a client that reads slowly `answer' keeps the rest. */
		if (output_size(q->out) >= OUTPUT_PENDING)
			return CLOCK_NEVER;
		p->fd = q->fd;
		return question_is_due(q) ? q->wait_end : CLOCK_NEVER;
	case QUESTION_ATTACHING:
	case QUESTION_STOPPING:
		return q->next;
	case QUESTION_LOOKING:
		return q->next;		/* no program runs: a pause */
	case QUESTION_IDLE:
	case QUESTION_STARTING:
		break;
	}
	return CLOCK_NEVER;
}

void
question_stop(struct question *q)
{
	const int64_t	now = clock_us();

	/* A server may be silent: a stop does not wait for it.  It is also for
	   what runs already, which we have not met. */
	if (q->state == QUESTION_LOOKING || q->state == QUESTION_STARTING) {
		(void)question_fail_code(q, FAILURE_STOPPED);
		question_end(q);
	}
	if (q->state == QUESTION_IDLE) {
		q->outcome = NULL;
		q->call[0] = '\0';
		q->exit = 0;
		q->state = QUESTION_STOPPING;
		q->next = now;
		q->deadline = now + STOP_TIMEOUT * INT64_C(1000);
		question_step(q, NULL, now);
	} else if (q->state != QUESTION_STOPPING) {
		q->stop = true;
		question_step(q, NULL, now);
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
