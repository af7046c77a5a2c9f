/*
 * Following a generation.
 */
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "follow.h"
#include "frame.h"
#include "generation.h"
#include "limit.h"
#include "outcome.h"

void
follow_begin(struct question *q, int fd)
{
	q->fd = fd;
	q->state = QUESTION_FOLLOWING;
	q->session = 0;
	q->stop_sent = false;
	buf_clear(&q->in);
	store_close(q->store);
	q->store = NULL;
	/* SQLite's 130 kB go back too: a viewer may wait for long. */
	(void)malloc_trim(0);
}

/* The answer is whole, if it is one, in the database: what was shown may
 * differ. */
static void
look_up(struct question *q)
{
	enum failure_code	rc;
	struct session		s = { 0 };

	q->state = QUESTION_ATTACHING;
	if ((rc = question_open_store(q)) == FAILURE_NONE)
		rc = store_session(q->store, q->connection->ticket,
		    q->session, &s);
	if (rc != FAILURE_NONE)
		outcome_store(q, rc);
	else if (s.id != 0)
		outcome_cached(q, &s);
	else
		outcome_code(q, FAILURE_INTERRUPTED);
	session_free(&s);
}

/* The generator is gone without a terminal frame. */
static void
lost(struct question *q, int64_t now)
{
	(void)close(q->fd);
	q->fd = -1;
	if (q->session == 0 && ++q->tries < ATTACH_TRIES)
		question_look(q, now);	/* it went just as we came */
	else
		look_up(q);
}

void
follow_stop(struct question *q)
{
	if (q->state != QUESTION_FOLLOWING || !q->stop || q->stop_sent)
		return;
	q->stop_sent = true;
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
			if (f.type == FRAME_STREAM)
				outcome_text(q);
			if (f.type != FRAME_DONE)
				continue;
			if (forward(q, from, (size_t)(nl + 1 - from)))
				outcome(q, "generated", FAILURE_NONE);
			return;
		}
		if (!forward(q, from, (size_t)(line - from)))
			return;
		from = nl + 1;
		if (f.type == FRAME_SESSION) {
			q->session = f.session;
		} else if (f.type == FRAME_COST) {
			q->tokens = f.tokens;
		} else if (f.type == FRAME_KEPT) {
			(void)close(q->fd);
			q->fd = -1;
			look_up(q);
			return;
		} else if (f.type == FRAME_ERROR) {
			outcome_error(q, &f.failure);
			return;
		}
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
	if (n <= 0) {
		lost(q, now);
	} else if (buf_add(&q->in, data, (size_t)n) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "follow", strerror(errno));
	} else {
		read_lines(q);
	}
}
