/*
 * Following a generation.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "viewer/follow.h"
#include "viewer/outcome.h"

/* Begins to wait for a line. */
static void
wait_anew(struct question *q, int64_t now)
{
	q->wait_end = now + ALIVE * INT64_C(1000000);
}

void
follow_begin(struct question *q, int fd)
{
	q->fd = fd;
	q->state = QUESTION_FOLLOWING;
	q->session = 0;
	q->stop_sent = q->alive = q->changed = q->waiting = q->elsewhere =
	    false;
	q->waits = 0;
	wait_anew(q, clock_us());
	buf_clear(&q->in);
	store_close(q->store);
	q->store = NULL;
	/* SQLite's 130 kB go back too: a viewer may wait for long. */
	(void)malloc_trim(0);
}

/* Leaves the generation. */
static void
let_go(struct question *q)
{
	(void)close(q->fd);
	if (q->pidfd != -1)
		(void)close(q->pidfd);
	q->fd = q->pidfd = -1;
}

/*
 * What we waited for has ended, which answered another text: looks again, for
 * an answer to ours.
 */
static void
look_again(struct question *q, int64_t now)
{
	let_go(q);
	q->waiting = false;
	buf_clear(&q->in);
	question_ask(q, QUERY_LOOK, now);
}

/* The answer is whole, if it is one, in the database: what was shown may
 * differ. */
static void
look_up(struct question *q, int64_t now)
{
	let_go(q);
	question_ask(q, QUERY_SESSION, now);
}

/* The generator is gone without a terminal frame. */
static void
lost(struct question *q, int64_t now)
{
	if (q->waiting || q->elsewhere) {
		look_again(q, now);
	} else if (q->session == 0 && ++q->tries < ATTACH_TRIES) {
		let_go(q);
		question_ask(q, QUERY_LOOK, now);	/* it went just as we came */
	} else {
		look_up(q, now);
	}
}

void
follow_stop(struct question *q, int64_t now)
{
	if (q->state != QUESTION_FOLLOWING || !q->stop || q->stop_sent)
		return;
	/* What others wait for as well is not ours to stop. */
	if (q->waiting) {
		outcome_code(q, FAILURE_STOPPED);
		return;
	}
	q->stop_sent = true;
	q->waits = 0;
	wait_anew(q, now);
	generation_say_stop(q->fd);
}

/* Forwards lines of the generation as they are. */
static bool
forward(struct question *q, const char *line, size_t len)
{
	size_t	before = q->out->data.len;

	if (len == 0)
		return true;
	if (buf_add(&q->out->data, line, len) == -1) {
		outcome_code(q, FAILURE_INTERNAL);
		return false;
	}
	outcome_count(q, before);
	return true;
}

/*
 * The first line of the generation: which session it works on, and whether it
 * answers another text than ours.
 */
static void
begun(struct question *q, const struct frame *f)
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
	if (q->waiting && q->request.status &&
	    frame_status(&q->out->data, FRAME_QUEUED, 1, 0) == -1)
		outcome_code(q, FAILURE_INTERNAL);
}

/* The last line: forwarded, with bodyChanged if it was another text. */
static void
ended(struct question *q, const char *line, size_t len)
{
	const size_t	before = q->out->data.len;

	if (!q->changed) {
		if (!forward(q, line, len + 1))
			return;
	} else if (frame_body_changed(&q->out->data, line, len) == -1) {
		outcome_code(q, FAILURE_INTERNAL);
		return;
	} else {
		outcome_count(q, before);
	}
	outcome(q, "generated", FAILURE_NONE);
}

/*
 * Takes a line that is for us; false: it has ended the question, or begun it
 * anew, and nothing more of q->in is there.
 */
static bool
keep(struct question *q, const struct frame *f, int64_t now)
{
	if (q->waiting && (f->type == FRAME_DONE || f->type == FRAME_ERROR)) {
		look_again(q, now);
		return false;
	}
	if (f->type == FRAME_SESSION) {
		begun(q, f);
	} else if (f->type == FRAME_COST) {
		q->tokens = f->tokens;
	} else if (f->type == FRAME_KEPT && !q->waiting) {
		look_up(q, now);
	} else if (f->type == FRAME_ERROR) {
		outcome_error(q, &f->failure);
	}
	return q->state == QUESTION_FOLLOWING;
}

/* Whether a line goes to the viewer as it is. */
static bool
is_for_viewer(const struct question *q, const struct frame *f)
{
	return !q->waiting && (f->type == FRAME_STREAM ||
	    (f->type == FRAME_STATUS && q->request.status));
}

/*
 * Reads the whole lines of q->in; those that go to the viewer as they are go
 * in one piece.  The rest of a line stays.
 */
static void
read_lines(struct question *q, int64_t now)
{
	char		*line = q->in.data, *end = line + q->in.len, *nl;
	char		*from = line;	/* not yet forwarded */
	struct frame	 f;

	for (; (nl = memchr(line, '\n', (size_t)(end - line))) != NULL;
	    line = nl + 1) {
		frame_read(&f, line, (size_t)(nl - line));
		if (is_for_viewer(q, &f)) {
			if (f.type == FRAME_STREAM)
				outcome_text(q);
			continue;
		}
		if (!forward(q, from, (size_t)(line - from)))
			return;
		from = nl + 1;
		if (f.type == FRAME_DONE && !q->waiting) {
			ended(q, line, (size_t)(nl - line));
			return;
		}
		if (!keep(q, &f, now))
			return;
	}
	if (forward(q, from, (size_t)(line - from)))
		buf_drop(&q->in, (size_t)(line - q->in.data));
}

void
follow_step(struct question *q, int64_t now)
{
	char	data[FRAME_MAX];	/* stack that is touched stays */
	ssize_t	n;

	n = recv(q->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	q->waits = 0;
	wait_anew(q, now);
	if (n <= 0) {
		lost(q, now);
	} else if (buf_add(&q->in, data, (size_t)n) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "follow", strerror(errno));
	} else {
		read_lines(q, now);
	}
}

/*
 * Whether a line must come: the first one from each generation, the others from
 * those only that have promised them; one of version 0.1 may run still.
 */
static bool
is_due(const struct question *q)
{
	return q->session == 0 || q->alive;
}

int64_t
follow_deadline(const struct question *q)
{
	return is_due(q) ? q->wait_end : CLOCK_NEVER;
}

/* It stands still: it is ended, if we know which process it is. */
static void
give_up(struct question *q, int64_t now)
{
	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64 " session=%" PRId64
	    " call=follow error=\"the generation stands still\"",
	    q->connection->id, q->connection->ticket, q->session);
	if (q->pidfd != -1)
		(void)pidfd_send_signal(q->pidfd, SIGKILL, NULL, 0);
	/* Nobody has met it: we would only wait for it once more. */
	if (q->session == 0)
		outcome_code(q, FAILURE_INTERRUPTED);
	else
		lost(q, now);
}

void
follow_wait(struct question *q, bool listening, int64_t now)
{
	if (!listening) {
		wait_anew(q, now);
		return;
	}
	if (!is_due(q) || now < q->wait_end)
		return;
	wait_anew(q, now);
	if (++q->waits < (q->stop_sent && q->session != 0 ? ALIVE_WAITS_STOP :
	    ALIVE_WAITS))
		return;
	follow_step(q, now);	/* what has come just now */
	if (q->state == QUESTION_FOLLOWING && q->waits > 0)
		give_up(q, now);
}
