/*
 * Where another machine has the ticket: its frames are ours.
 */
#include <string.h>

#include "answer.h"
#include "clock.h"
#include "log.h"

/* Whole lines; the last one tells whether there will be more. */
static void
take_frames(void *context, const char *lines, size_t len)
{
	struct answer	*a = context;
	const char	*last;
	struct frame	 f;

	/* With a piece missing the text would be another one. */
	if (a->cut || buf_add(&a->hub.frames, lines, len) == -1)
		a->cut = true;
	last = memrchr(lines, '\n', len - 1);
	last = last == NULL ? lines : last + 1;
	frame_read(&f, last, (size_t)(lines + len - 1 - last));
	a->told = f.type == FRAME_DONE || f.type == FRAME_ERROR;
	if (a->told)
		answer_over(a);
}

static void
take_status(void *context, const char *line, size_t len)
{
	struct answer	*a = context;
	struct frame	 f;

	frame_read(&f, line, len);
	/* It comes with each row; how many are here we know ourselves. */
	if (f.type == FRAME_STATUS && (!a->has_state || f.state != a->state ||
	    f.position != a->position))
		answer_status(a, f.state, f.position);
}

const struct node_taker *
elsewhere_taker(struct answer *a)
{
	static struct node_taker	t = { take_frames, take_status, NULL };

	t.context = a;
	return &t;
}

/* Follows until the last frame, or until who had the ticket is gone. */
static void
follow(struct answer *a)
{
	bool	stop = false;

	while (!a->told && !node_lost(a->node)) {
		answer_wait(a, -1);
		if (a->hub.terminate || a->hub.ending) {
			answer_fail(a, FAILURE_SHUTTING_DOWN, "");
			return;
		}
		if (a->hub.stop && !stop)
			node_say_stop(a->node);
		stop = a->hub.stop;
		/* Nobody is here: he who has it decides for himself. */
		if (a->hub.met && a->hub.count == 0 && a->settings.number[
		    SETTING_ON_DISCONNECT] == ON_DISCONNECT_CANCEL)
			return;
	}
}

bool
elsewhere(struct answer *a)
{
	for (;;) {
		switch (node_enter(a->node)) {
		case NODE_OWNER:
			return false;
		case NODE_FOLLOWER:
			break;
		case NODE_LATE:
			return true;	/* who is here finds it kept */
		case NODE_FAILED:
		default:
			answer_fail(a, FAILURE_STORAGE, node_error(a->node));
			return false;
		}
		follow(a);
		if (a->failure.code != FAILURE_NONE)
			return false;
		/* What was begun there must not go on as another text here. */
		if (a->told || !node_lost(a->node) || a->hub.frames.len > 0) {
			log_line(LOG_LEVEL_INFO, "ticket=%lld session=%lld"
			    " outcome=followed bytes=%zu", (long long)
			    a->ticket, (long long)a->session,
			    a->hub.frames.len);
			return true;
		}
	}
}
