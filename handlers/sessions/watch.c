/*
 * sessions tail: shows generations while they run.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "generation/generations.h"
#include "program.h"
#include "sessions/answers.h"
#include "sessions/command.h"
#include "sessions/print.h"
#include "store/maintain.h"

/*
 * How often `sessions tail' looks for a generation that has begun, in ms: often
 * where one is about to listen, and otherwise rarely, since inotify(7), where
 * it works, reports it.
 */
#define WATCH_SOON	20
#define WATCH_TICK	1000

struct watch;

/* A generation being watched. */
struct watched {
	struct watch	*watch;
	struct subject	 subject;
	int64_t		 session;
	int		 fd;		/* connection; -1: it has ended */
	int64_t		 bytes;		/* of text so far */
	struct buf	 in;		/* an incomplete line */
	const char	*state;		/* last state printed */
	int64_t		 printed;		/* bytes of text when it was
						   printed */
	int64_t		 when;		/* when it was printed: clock_us */
};

struct watch {
	const struct settings	*settings;
	const char	*run_dir;
	int		 news;		/* inotify(7) on run_dir; -1: none */
	struct watched	*list;
	size_t		 count;
	int64_t		 ticket;	/* whose text to show; 0: all, a line
					   per change */
	int		 exit_code;
	bool		 again;		/* a generation was not listening yet */
};

/* Prints a change in logfmt.  While the text grows, prints at most one line a
   second. */
static void
watch_print(struct watched *g, const char *state, const char *code)
{
	char	when[CLOCK_DATE];

	if (state == g->state && (g->bytes == g->printed || clock_us() <
	    g->when + WATCH_TICK * INT64_C(1000)))
		return;
	g->state = state;
	g->printed = g->bytes;
	g->when = clock_us();
	(void)clock_date(time(NULL), when);
	(void)printf("time=%s ticket=%" PRId64 " session=%" PRId64
	    " state=%s%s%s bytes=%" PRId64 "\n", when, g->subject.ticket,
	    g->session, state, *code == '\0' ? "" : " code=", code, g->bytes);
	command_flush();
}

/* Shows or counts the text of a stream frame. */
static void
watch_text(const struct watch *w, struct watched *g, const char *line,
    size_t len)
{
	struct buf	text = BUF_INIT(FRAME_MAX), tame = BUF_INIT(FRAME_MAX);

	if (frame_content(line, len, &text) == 0) {
		g->bytes += (int64_t)text.len;
		if (w->ticket != 0) {
			print_tame(text.data, text.len, false, &tame);
			(void)fwrite(tame.data, 1, tame.len, stdout);
			command_flush();
		}
	}
	buf_free(&text);
	buf_free(&tame);
}

/* Prints once how a generation has ended. */
static void
watch_end(struct watch *w, struct watched *g, const char *state,
    enum failure_code code)
{
	(void)close(g->fd);
	g->fd = -1;
	if (w->ticket == 0) {
		watch_print(
		    g, state, code == FAILURE_NONE ? "" : failure_name(code));
		return;
	}
	w->exit_code = (int)failure_exit(code);
	if (code != FAILURE_NONE)
		program_fail(w->exit_code, "ticket %" PRId64 ": %s",
		    g->subject.ticket, failure_name(code));
}

/* The machine that answers a ticket. */
struct place {
	int64_t	ticket;
	char	node[256], state[32];
};

static bool
watch_find_place(void *context, const struct cell *c, int cells)
{
	struct place	*p = context;

	(void)cells;
	if (c[0].text == NULL || strtoll(c[0].text, NULL, 10) != p->ticket)
		return true;
	(void)snprintf(p->state, sizeof(p->state), "%s", c[2].text);
	(void)snprintf(p->node, sizeof(p->node), "%s", c[3].text);
	return false;
}

/* Exits with a message: which other machine answers the ticket, if any. */
static void __attribute__((noreturn))
watch_point_to(const struct settings *s, int64_t ticket)
{
	struct place	 p = { .ticket = ticket };
	struct store	*store;

	if (!store_is_file()) {
		store = command_store(s);
		command_need(store_runs(store, watch_find_place, &p), store);
		store_close(store);
	}
	if (*p.node != '\0')
		program_fail(EXIT_CLIENT, "ticket %" PRId64 " is %s on the "
		    "node %s: watch it there", ticket, p.state, p.node);
	program_fail(EXIT_CLIENT, "no generation runs for ticket %" PRId64,
	    ticket);
}

/* Handles a line from a generation. */
static bool
watch_line(void *context, const char *line, size_t len)
{
	struct watched	*g = context;
	struct watch	*w = g->watch;
	struct frame	 f;

	frame_read(&f, line, len);
	switch (f.type) {
	case FRAME_SESSION:
		g->session = f.session;
		if (w->ticket != 0 && f.elsewhere)
			watch_point_to(w->settings, g->subject.ticket);
		break;
	case FRAME_STATUS:
		if (w->ticket == 0)
			watch_print(g, frame_state_name(f.state), "");
		break;
	case FRAME_STREAM:
		watch_text(w, g, line, len);
		if (w->ticket == 0)
			watch_print(g, frame_state_name(FRAME_GENERATING), "");
		break;
	case FRAME_DONE:
		watch_end(w, g, "done", FAILURE_NONE);
		break;
	case FRAME_ERROR:
		watch_end(w, g, "error", f.failure.code);
		break;
	case FRAME_KEPT:
	case FRAME_COST:
	case FRAME_OTHER:
	default:
		break;
	}
	return g->fd != -1;
}

/* Reads what a generation has sent. */
static void
watch_read(struct watched *g)
{
	if (!answers_hear(g->fd, &g->in, watch_line, g))
		watch_end(g->watch, g, "error", FAILURE_INTERRUPTED);
}

/* Connects to a generation that is not watched yet. */
static bool
watch_follow(void *context, const struct subject *subject)
{
	struct watch	*w = context;
	struct watched	*list;
	size_t		 i;
	int		 fd;

	for (i = 0; i < w->count; i++) {
		if (generation_same(&w->list[i].subject, subject))
			return true;
	}
	switch (generation_connect(w->run_dir, subject, &fd)) {
	case GENERATION_RUNNING:
		break;
	case GENERATION_ERROR:
		program_fail(EXIT_SYSTEM, "ticket %" PRId64 ": %s",
		    subject->ticket, strerror(errno));
	case GENERATION_NONE:
	case GENERATION_BUSY:
	default:
		w->again = true;
		return true;
	}
	if ((list = realloc(w->list, (w->count + 1) * sizeof(*list))) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	w->list = list;
	list[w->count++] = (struct watched){ .watch = w,
	    .subject = *subject, .fd = fd,
	    .in = BUF_INIT(4 * READ_MAX), .state = "" };
	return true;
}

/* Removes the generations that have ended. */
static void
watch_sweep(struct watch *w)
{
	size_t	i = 0;

	while (i < w->count) {
		if (w->list[i].fd != -1) {
			i++;
			continue;
		}
		buf_free(&w->list[i].in);
		w->list[i] = w->list[--w->count];
	}
}

/* Looks for new generations. */
static void
watch_find(struct watch *w)
{
	char	events[READ_MAX];

	if (w->news != -1)
		(void)!read(w->news, events, sizeof(events));
	w->again = false;
	if (generations_each(w->run_dir, watch_follow, w) == -1)
		program_fail(EXIT_SYSTEM, "RUN_DIR=%s: %s", w->run_dir,
		    strerror(errno));
}

/* Waits for the next event and handles it. */
static void
watch_step(struct watch *w)
{
	struct pollfd	*p;
	size_t		 i, count = w->count;

	if ((p = calloc(count + 1, sizeof(*p))) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	for (i = 0; i < count; i++)
		p[i] = (struct pollfd){ w->list[i].fd, POLLIN, 0 };
	p[count] = (struct pollfd){ w->news, POLLIN, 0 };
	if (poll(p, count + 1, w->again ? WATCH_SOON : WATCH_TICK) == -1 &&
	    errno != EINTR)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	for (i = 0; i < count; i++) {
		if (p[i].revents != 0)
			watch_read(&w->list[i]);
	}
	free(p);
	watch_sweep(w);
}

/* Connects to a generation of the ticket, if none is watched yet. */
static bool
watch_follow_ticket(void *context, const struct subject *subject)
{
	struct watch	*w = context;

	return subject->ticket != w->ticket ||
	    (watch_follow(w, subject) && w->count == 0);
}

/* Shows the ticket's answer while it is written; else a question about it. */
static void
watch_ticket(struct watch *w)
{
	const struct subject	answer = { .ticket = w->ticket };

	(void)watch_follow(w, &answer);
	if (w->count == 0 &&
	    generations_each(w->run_dir, watch_follow_ticket, w) == -1)
		program_fail(EXIT_SYSTEM, "RUN_DIR=%s: %s", w->run_dir,
		    strerror(errno));
	if (w->count == 0)
		watch_point_to(w->settings, w->ticket);
	while (w->count > 0)
		watch_step(w);
}

int
command_tail(const struct settings *s, int argc, char *argv[])
{
	static const struct command_option	 none[] = {
		{ NULL, NULL, NULL, NULL }
	};
	struct watch				 w = { .news = -1 };
	int					 i;

	i = command_options(argc, argv, none, 0, 1);
	command_run_dir(s);
	w.settings = s;
	w.run_dir = s->text[SETTING_RUN_DIR];
	if (i < argc) {
		w.ticket = command_ticket(argv[0], argv[i]);
		watch_ticket(&w);
		free(w.list);
		return w.exit_code;
	}
	/* Without inotify, a generation shorter than WATCH_TICK may be
	   missed. */
	if ((w.news = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) != -1)
		(void)inotify_add_watch(w.news, w.run_dir, IN_CREATE);
	for (;;) {
		watch_find(&w);
		watch_step(&w);
	}
}
