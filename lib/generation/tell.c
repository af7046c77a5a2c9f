/*
 * Telling another program of a saved answer.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "generation/tell.h"
#include "hook/hook.h"
#include "hook/turn.h"
#include "store/store.h"

enum { TELL_TICK = 250 };	/* ms between two tries for a turn */

/* What is told: the line, and the ticket for the environment. */
struct tell {
	struct buf	line;
	int64_t		ticket;
	bool		failed;
};

/* Writes the event's row as a line. */
static bool
tell_row(void *context, const struct cell *cell, int cells)
{
	struct tell	*t = context;

	t->ticket = store_cell_number(&cell[0]);
	t->failed = store_cells_json(cell, cells, &t->line) == -1;
	return false;
}

/* Reads the session.  Returns false if there is nothing to tell. */
static bool
tell_read(const struct settings *s, int64_t session, struct tell *t)
{
	struct store		*store;
	enum failure_code	 rc;
	char			 why[512];

	t->line.cap = OUTPUT_MAX;
	rc = store_open(&store, s->text[SETTING_DATABASE]);
	if (rc == FAILURE_NONE)
		rc = store_report(store, STORE_EVENT, session, 1, tell_row, t);
	if (rc != FAILURE_NONE || t->failed)
		log_line(LOG_LEVEL_WARNING, "session=%" PRId64
		    " hook=DONE_COMMAND error=\"the answer cannot be read: "
		    "%s\"", session, t->failed ? "no memory" : log_value(why,
		    sizeof(why), store_error(store)));
	store_close(store);
	t->failed |= rc != FAILURE_NONE;
	return !t->failed && t->line.len > 0;
}

/* Blocks the signals that end us, and returns a descriptor that has them. */
static int
tell_signals(void)
{
	sigset_t	set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Waits for a signal until then.  Returns whether one came. */
static bool
tell_pause(int signals, int64_t until)
{
	struct pollfd	p = { .fd = signals, .events = POLLIN };

	return poll(&p, 1, clock_poll(clock_us(), until)) == 1;
}

/*
 * Waits for a turn, which the kernel frees at our end.  Returns the reason if
 * that fails, else NULL.
 */
static const char *
tell_turn(const char *run_dir, int signals)
{
	const int64_t	until = clock_us() + TELL_TURN * INT64_C(1000000);
	int		fd = -1, got;

	while (clock_us() < until) {
		got = turn_take(run_dir, TURN_DONE, &fd);
		if (got != 0)
			return got == 1 ? NULL : strerror(errno);
		if (tell_pause(signals, clock_us() + TELL_TICK *
		    INT64_C(1000)))
			return "the service ended before it could begin";
	}
	return "too many others were running for too long";
}

/* Waits for the program's end.  Returns the reason if it failed, else NULL. */
static const char *
tell_run(struct hook *h, const struct hook_call *call, int signals)
{
	enum hook_progress	rc;
	struct pollfd		p[4];
	int			i;

	if (hook_start(h, call) == -1)
		return h->why;
	while ((rc = hook_step(h, clock_us())) == HOOK_MORE) {
		for (i = 0; i < 3; i++)
			p[i] = (struct pollfd){ h->fd[i], POLLIN, 0 };
		p[3] = (struct pollfd){ signals, POLLIN, 0 };
		(void)poll(p, 4, clock_poll(clock_us(), h->deadline));
		if (p[3].revents != 0) {
			hook_end(h);
			return "the service ended";
		}
	}
	return rc == HOOK_FAILED ? h->why : NULL;
}

int
tell_done(const struct settings *s, int64_t session, const char *language)
{
	struct hook		 h = HOOK_INIT;
	struct tell		 t = { .ticket = 0 };
	struct hook_call	 call = {
		.settings = s, .program = SETTING_DONE_COMMAND,
		.session = session, .language = language,
		.seconds = TELL_SECONDS
	};
	const char		*why;
	int			 signals, rc = 0;

	if (*s->text[SETTING_DONE_COMMAND] == '\0')
		return 0;
	signals = tell_signals();
	if (tell_read(s, session, &t)) {
		call.ticket = t.ticket;
		call.text = t.line.data;
		call.len = t.line.len;
		why = tell_turn(s->text[SETTING_RUN_DIR], signals);
		if (why == NULL)
			why = tell_run(&h, &call, signals);
		if (why != NULL || *h.said != '\0')
			log_line(why == NULL ? LOG_LEVEL_INFO :
			    LOG_LEVEL_WARNING, "ticket=%" PRId64 " session=%"
			    PRId64 " hook=DONE_COMMAND error=\"%s\" "
			    "stderr=\"%s\"", t.ticket, session, why == NULL ?
			    "" : why, h.said);
		rc = why == NULL ? 0 : 2;
	} else {
		rc = t.failed ? 2 : 1;
	}
	hook_close(&h);
	buf_free(&t.line);
	if (signals != -1)
		(void)close(signals);
	return rc;
}
