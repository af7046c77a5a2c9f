/*
 * What a generation does and how many follow it, for those who asked.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "generation/answer.h"

/* Makes the status line; as news, everybody gets it, else those who come. */
static void
tell(struct answer *a, bool news)
{
	struct buf	line = BUF_INIT(FRAME_MAX);

	a->viewers = a->hub.count;
	if (frame_status(&line, a->state, a->position, (int)a->viewers) == 0)
		hub_status(&a->hub, line.data, line.len, news);
	buf_free(&line);
	if (!news)
		return;
	a->viewers_told = a->viewers;
	a->viewers_again = clock_us() + VIEWERS_PAUSE * INT64_C(1000);
}

void
answer_session(struct answer *a, int64_t session)
{
	struct buf	line = BUF_INIT(sizeof(a->hub.first) - 1);

	if (frame_session(&line, session, getpid(), session == 0 ? "" :
	    a->text_hash) == 0)
		hub_first(&a->hub, line.data, line.len);
	else
		answer_fail(a, FAILURE_INTERNAL, "no room for a frame");
	buf_free(&line);
	a->session = session;
	a->has_state = false;
	hub_write(&a->hub);
}

void
answer_status(struct answer *a, enum frame_state state, int position)
{
	if (a->filter)
		return;		/* in a filter nobody has asked for it */
	a->has_state = true;
	a->state = state;
	a->position = position;
	tell(a, true);
	hub_write(&a->hub);
}

void
answer_viewers(struct answer *a, int64_t now)
{
	if (!a->has_state || a->over)
		return;
	if (a->hub.count != a->viewers_told && now >= a->viewers_again)
		tell(a, true);
	else if (a->hub.count != a->viewers)
		tell(a, false);
}

int64_t
answer_viewers_due(const struct answer *a)
{
	return a->has_state && !a->over && a->hub.count > 0 &&
	    a->hub.count != a->viewers_told ? a->viewers_again : CLOCK_NEVER;
}
