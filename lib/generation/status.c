/*
 * What viewers are told about an answer being generated: its session, its
 * state, and how many viewers there are.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "generation/answer.h"

/* Between two status frames that only say that viewers came or left, in ms. */
#define VIEWERS_PAUSE	1000

/* Makes the status line.  With `news' all viewers get it, else only those who
   connect from now on. */
static void
answer_status_line(struct answer *a, bool news)
{
	struct buf	line = BUF_INIT(FRAME_MAX);

	a->viewers = hub_viewers(&a->hub);
	if (frame_status(&line, a->status, a->place, (int)a->viewers) == 0)
		hub_status(&a->hub, line.data, line.len, news);
	buf_free(&line);
	if (!news)
		return;
	a->viewers_sent = a->viewers;
	a->viewers_again = clock_us() + VIEWERS_PAUSE * INT64_C(1000);
}

void
answer_session(struct answer *a, int64_t session, bool elsewhere)
{
	char				text[TEXT_HASH + 1] = "";
	char				instruction[TEXT_HASH + 1] = "";
	const struct frame_subject	s = {
		elsewhere ? text : a->text_hash,
		elsewhere ? instruction : a->instruction_hash,
		a->follows, a->question, elsewhere
	};
	struct buf			line = BUF_INIT(
					    sizeof(a->hub.first) - 1);

	if (elsewhere)
		node_theirs(a->node, text, instruction);
	if (frame_session(&line, session, getpid(), &s) == 0)
		hub_first(&a->hub, line.data, line.len);
	else
		answer_fail(a, FAILURE_INTERNAL, "the frames' buffer is full");
	buf_free(&line);
	a->session = session;
	a->has_status = false;
	hub_write(&a->hub);
}

void
answer_status(struct answer *a, enum frame_state state, int place)
{
	if (a->filter)
		return;		/* a filter's reader cannot ask for status
				   frames */
	a->has_status = true;
	a->status = state;
	a->place = place;
	answer_status_line(a, true);
	hub_write(&a->hub);
}

void
answer_viewers(struct answer *a, int64_t now)
{
	const size_t	viewers = hub_viewers(&a->hub);

	if (!a->has_status || a->over)
		return;
	if (viewers != a->viewers_sent && now >= a->viewers_again)
		answer_status_line(a, true);
	else if (viewers != a->viewers)
		answer_status_line(a, false);
}

int64_t
answer_viewers_due(const struct answer *a)
{
	const size_t	viewers = hub_viewers(&a->hub);

	return a->has_status && !a->over && viewers > 0 &&
	    viewers != a->viewers_sent ? a->viewers_again : CLOCK_NEVER;
}
