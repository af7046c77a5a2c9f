/*
 * sessions migrate: makes the database, or changes its schema to that of this
 * program, without losing an answer that is being generated.
 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "generation/generations.h"
#include "program.h"
#include "sessions/answers.h"
#include "sessions/command.h"
#include "store/maintain.h"

enum { WHY_MAX = 1024, SERVER_PAUSE = 5000 /* milliseconds */ };

/* The running generations that migration waits for. */
struct migrate_wait {
	const char	*run_dir;
	int64_t		 seconds;	/* the longest wait, for the message */
	bool		 now;		/* --now: end all of them */
	int		 reported;		/* how many ran when last
						   reported */
	const struct subject	*subject;	/* end only its
						   generation; NULL: end all */
};

static bool
migrate_end_one(void *context, const struct answers_process *p)
{
	const struct migrate_wait	*w = context;

	if (w->subject == NULL || generation_same(w->subject, &p->subject))
		(void)answers_signal(w->run_dir, p, SIGTERM);
	return true;
}

/* Reads the first state that a generation reports. */
static bool
migrate_read_state(void *context, const char *line, size_t len)
{
	enum frame_state	*state = context;
	struct frame		 f;

	frame_read(&f, line, len);
	if (f.type == FRAME_STATUS)
		*state = f.state;
	return *state == FRAME_STATE__MAX;
}

static bool
migrate_is_queued(int fd)
{
	struct pollfd		p = { .fd = fd, .events = POLLIN };
	const int64_t		until = clock_us() +
				    GENERATION_LOOK * INT64_C(1000);
	enum frame_state	state = FRAME_STATE__MAX;
	struct buf		in = BUF_INIT(4 * READ_MAX);

	while (state == FRAME_STATE__MAX && poll(&p, 1, clock_poll(clock_us(),
	    until)) == 1 && answers_hear(fd, &in, migrate_read_state, &state))
		;
	buf_free(&in);
	return state == FRAME_QUEUED;
}

/*
 * Ends a ticket's generation if it is still in the queue: its viewers can ask
 * again later.
 */
static bool
migrate_end_queued(void *context, const struct subject *subject)
{
	struct migrate_wait	*w = context;
	int		 fd;

	if (generation_connect(w->run_dir, subject, &fd) != GENERATION_RUNNING)
		return true;
	w->subject = subject;
	if (migrate_is_queued(fd))
		(void)answers_each(w->run_dir, migrate_end_one, w);
	w->subject = NULL;
	(void)close(fd);
	return true;
}

/* Reports how many generations run, and ends those that need not finish. */
static void
migrate_report(void *context, int running)
{
	struct migrate_wait	*w = context;

	if (running == w->reported)
		return;
	w->reported = running;
	if (w->now) {
		(void)answers_each(w->run_dir, migrate_end_one, w);
		return;
	}
	(void)fprintf(stderr, "sessions: migrate: %d generation%s, and "
	    "migrating now would lose the answer: waiting at most %" PRId64
	    " s (--now ends %s)\n", running, running == 1 ? " runs" : "s run",
	    w->seconds, running == 1 ? "it" : "them");
	(void)generations_each(w->run_dir, migrate_end_queued, w);
}

static void
migrate_still_run(bool now)
{
	program_fail(EXIT_CLIENT, "migrate: generations still run, so nothing "
	    "is changed (sessions tail shows them%s)", now ?
	    "; `sessions stop TICKET' ends one that does not react" :
	    "; migrate --now ends them");
}

/*
 * If DATABASE is a file with an older schema: prevents new generations and
 * waits until none runs, since the older programs could not save their answers
 * after the migration.  Returns a descriptor to be closed after the migration,
 * or -1.
 */
static int
migrate_wait_all(const struct settings *s, struct migrate_wait *w, int64_t ms)
{
	struct store	*store;
	bool		 behind;
	int		 claims;

	if (!store_is_file())
		return -1;
	behind = store_open(&store, s->text[SETTING_DATABASE]) ==
	    FAILURE_SCHEMA && store_behind(store);
	store_close(store);
	if (!behind)
		return -1;
	claims = generations_await(w->run_dir, ms, migrate_report, w);
	if (claims == -1 && errno == EBUSY)
		migrate_still_run(w->now);
	if (claims == -1)
		program_fail(EXIT_SYSTEM, "RUN_DIR=%s: %s", w->run_dir,
		    strerror(errno));
	return claims;
}

/*
 * Waits before the next try to reach the database server.  Prints the reason if
 * it is new.  Returns false if nobody reads our output any more, because run.sh
 * has ended.
 */
static bool
migrate_wait_server(const char *why, char reported[WHY_MAX])
{
	struct pollfd	p = { .fd = STDOUT_FILENO };

	if (strcmp(reported, why) != 0)
		(void)fprintf(stderr, "sessions: migrate: %s%s\n", why,
		    *reported == '\0' ? ": waiting for the database, trying "
		    "again every 5 s" : "");
	(void)snprintf(reported, WHY_MAX, "%s", why);
	return poll(&p, 1, SERVER_PAUSE) != 1 ||
	    (p.revents & (POLLERR | POLLHUP)) == 0;
}

/* Migrates the database.  `wait': retries while the server cannot be
   reached. */
static enum failure_code
migrate_reach(struct store **store, const struct settings *s, int *from,
    int *to, const struct store_quiet *quiet, bool wait)
{
	enum failure_code	rc;
	char			reported[WHY_MAX] = "";

	while ((rc = store_migrate(store, s->text[SETTING_DATABASE], from, to,
	    quiet)) == FAILURE_STORAGE && wait && store_passes(*store)) {
		if (!migrate_wait_server(store_error(*store), reported))
			exit(EXIT_SYSTEM);
		store_close(*store);
	}
	if (rc == FAILURE_BAD_REQUEST)
		migrate_still_run(quiet->now);
	return rc;
}

/* Links sessions to the table of tickets named in the settings. */
static void
migrate_use_tickets(struct store *store, const struct settings *s)
{
	const char	*table = s->text[SETTING_TICKETS_TABLE];
	const char	*column = s->text[SETTING_TICKETS_ID_COLUMN];

	if (*table != '\0' && store_use_tickets(store, table, column) !=
	    FAILURE_NONE)
		program_fail(EXIT_SETTINGS, "TICKETS_TABLE=%s, "
		    "TICKETS_ID_COLUMN=%s: %s", table, column,
		    store_error(store));
}

/* Gives a copy of a database an identity of its own.  No service may use it. */
static void
migrate_new_identity(struct store *store)
{
	char	other[PATH_MAX];

	if (store_served(store, "", other, sizeof(other)))
		program_fail(EXIT_CLIENT, "migrate: a service uses this "
		    "database, with RUN_DIR=%s: stop it first", other);
	command_need(store_new_identity(store), store);
}

/* Makes the parent directory of RUN_DIR, such as var/ in a fresh checkout, with
   mode 0700.  An error shows again when RUN_DIR is made. */
static void
migrate_make_parent(const char *run_dir)
{
	char	path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", run_dir);
	(void)mkdir(dirname(path), 0700);
}

/* Makes RUN_DIR; makes or migrates the database. */
int
command_migrate(const struct settings *s, int argc, char *argv[])
{
	bool				 draw = false, now = false,
					 wait = false;
	const struct command_option	 options[] = {
		{ "new-identity", &draw, NULL, NULL },
		{ "now", &now, NULL, NULL },
		{ "wait", &wait, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct migrate_wait			 w = {
		.run_dir = s->text[SETTING_RUN_DIR],
		.seconds = s->number[SETTING_ANSWER_TIMEOUT]
	};
	struct store_quiet		 quiet = { .progress = migrate_report,
					    .context = &w };
	struct store			*store;
	enum failure_code		 rc;
	int				 claims, from, to;

	(void)command_options(argc, argv, options, 0, 0);
	migrate_make_parent(s->text[SETTING_RUN_DIR]);
	command_run_dir(s);
	w.now = quiet.now = now;
	quiet.ms = now ? STOP_TIMEOUT : w.seconds * 1000;
	claims = migrate_wait_all(s, &w, quiet.ms);
	rc = migrate_reach(&store, s, &from, &to, &quiet, wait);
	command_need(rc, store);
	migrate_use_tickets(store, s);
	if (draw)
		migrate_new_identity(store);
	store_close(store);
	if (claims != -1)
		(void)close(claims);
	store_reserve(s->text[SETTING_DATABASE]);
	if (from == to)
		(void)printf("%s: schema %d, up to date\n",
		    s->text[SETTING_DATABASE], to);
	else
		(void)printf("%s: schema %d, was %d\n",
		    s->text[SETTING_DATABASE], to, from);
	return EXIT_GOOD;
}
