/*
 * Maintenance: backup, restore, purge, check and repair.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "generation/generations.h"
#include "knowledge/learn.h"
#include "program.h"
#include "sessions/aging.h"
#include "sessions/command.h"
#include "store/backup.h"
#include "store/identity.h"
#include "store/maintain.h"

enum {
	DAY = 86400, DAYS_MAX = 36500,
	NEWEST = 50,		/* newest rows to look at, */
	ANSWERED = 3		/* and the column with the answer's time */
};

/* Opens the store and shows the progress of long operations. */
static struct store *
upkeep_open(const struct settings *s)
{
	struct store	*store = command_store(s);

	store_watch(store, progress_show, NULL);
	return store;
}

/* Reads an age such as 90d or 90 (days).  Returns seconds. */
static int64_t
upkeep_age(const char *text)
{
	int64_t	days;
	size_t	len;

	if (text == NULL)
		program_fail(EXIT_USAGE, "purge: --older-than is missing, for "
		    "example --older-than 90d");
	len = strcspn(text, "d");
	if (!number_read(text, len, DAYS_MAX, &days) || (text[len] != '\0' &&
	    strcmp(text + len, "d") != 0))
		program_fail(EXIT_USAGE, "purge: %s is not a number of days "
		    "such as 90d", text);
	return days * DAY;
}

/* Keeps the latest time of an answer.  Sessions without an answer do not count:
   a failed question makes one at any time. */
static bool
upkeep_newest(void *context, const struct cell *c, int cells)
{
	time_t		*latest = context, t;
	struct tm	 tm = { 0 };
	const char	*end;

	if (cells <= ANSWERED || c[ANSWERED].text == NULL ||
	    (end = strptime(c[ANSWERED].text, "%Y-%m-%dT%H:%M:%S", &tm)) ==
	    NULL || (*end != '.' && *end != 'Z'))
		return true;
	if ((t = timegm(&tm)) > *latest)
		*latest = t;
	return true;
}

/*
 * If the clock is far ahead, all answers look too old.  If the newest one is
 * more than AGING_QUIET days old, either the clock is wrong or nobody uses the
 * service: then deletes nothing unless the administrator insists.
 */
static void
upkeep_check_clock(struct store *store, time_t now)
{
	time_t		latest = 0;
	int64_t		first, last;

	command_need(store_report(store, STORE_LIST, 0, NEWEST, upkeep_newest,
	    &latest), store);
	/* The newest sessions may all have failed, and an imported one may be
	   old. */
	command_need(aging_answers(store, &first, &last), store);
	if ((time_t)last > latest)
		latest = (time_t)last;
	if (latest != 0 && now - latest > AGING_QUIET * DAY)
		program_fail(EXIT_CLIENT, "purge: nothing is deleted, because "
		    "by this machine's clock the newest answer is %lld days "
		    "old. Check the clock (date -u), or use --force",
		    (long long)((now - latest) / DAY));
}

int
command_purge(const struct settings *s, int argc, char *argv[])
{
	const char			*older = NULL;
	bool				 dry = false, force = false;
	const struct command_option	 options[] = {
		{ "older-than", NULL, NULL, &older },
		{ "dry-run", &dry, NULL, NULL },
		{ "force", &force, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct purge			 p = {
		.tickets = s->number[SETTING_TICKETS] == TICKETS_AUTO,
		.run_dir = s->text[SETTING_RUN_DIR],
		.hold = generations_hold,
	};
	const time_t			 now = time(NULL);
	enum failure_code		 rc;
	struct store			*store;

	(void)command_options(argc, argv, options, 0, 0);
	p.before = (int64_t)now - upkeep_age(older);
	command_run_dir(s);
	if (!dry)
		command_make_room(s);
	store = upkeep_open(s);
	command_share_run_dir(s, store);
	command_need(store_purge_count(store, &p), store);
	if (dry) {
		(void)printf("%" PRId64 " sessions would be deleted\n", p.old);
	} else {
		if (!force)
			upkeep_check_clock(store, now);
		if ((rc = store_purge(store, &p)) != FAILURE_NONE &&
		    p.sessions + p.emptied > 0)
			(void)fprintf(stderr, "%" PRId64 " sessions and %"
			    PRId64 " tickets were deleted before this error:\n",
			    p.sessions, p.emptied);
		command_need(rc, store);
		(void)printf("%" PRId64 " sessions and %" PRId64
		    " tickets deleted\n", p.sessions, p.emptied);
		if (p.running > 0)
			(void)printf("%" PRId64 " with a running generation "
			    "were not deleted\n", p.running);
		/* Nothing deleted: no need to shorten the log. */
		if (p.sessions + p.emptied > 0) {
			command_need(learn_sweep(store, true), store);
			command_need(store_cut(store), store);
		}
	}
	store_close(store);
	return EXIT_GOOD;
}

int
command_backup(const struct settings *s, int argc, char *argv[])
{
	bool				 force = false;
	const struct command_option	 options[] = {
		{ "force", &force, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct store			*store;
	const char			*file;

	file = argv[command_options(argc, argv, options, 1, 1)];
	store = upkeep_open(s);
	command_need(store_backup(store, file, force), store);
	store_close(store);
	store_reserve(s->text[SETTING_DATABASE]);
	return EXIT_GOOD;
}

/*
 * Takes RUN_DIR for a database whose identity may have changed.  A service that
 * is running continues with the new identity.
 */
static void
upkeep_identity(const struct settings *s, struct store *store)
{
	const char	*run_dir = s->text[SETTING_RUN_DIR];
	char		 why[1024], other[PATH_MAX];

	if (store_serve(store, run_dir) != 0 || store_served(store, run_dir,
	    other, sizeof(other)))
		command_share_run_dir(s, store);
	else if (identity_renew(s, store, why, sizeof(why)) == -1)
		program_fail(EXIT_SETTINGS, "%s", why);
}

int
command_restore(const struct settings *s, int argc, char *argv[])
{
	bool				 force = false, known;
	const struct command_option	 options[] = {
		{ "force", &force, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	const char			*path = s->text[SETTING_DATABASE];
	enum failure_code		 rc;
	struct store			*store;
	const char			*file;
	char				 id[STORE_IDENTITY + 1];
	int				 claims, from, to;

	file = argv[command_options(argc, argv, options, 1, 1)];
	command_run_dir(s);
	/* A damaged or missing database has no identity. */
	known = store_open(&store, path) == FAILURE_NONE &&
	    store_identity(store, id) == FAILURE_NONE;
	if (known)
		command_share_run_dir(s, store);
	store_close(store);
	/* A running answer must not be saved to another row with the same
	   id. */
	errno = 0;	/* several machines: the database stops them all */
	claims = !store_is_file() ? -1 :
	    generations_hold_all(s->text[SETTING_RUN_DIR]);
	if (claims == -1 && errno == EBUSY)
		program_fail(EXIT_CLIENT, "a generation runs: wait for its "
		    "end, or stop the service (sessions tail shows it)");
	if (claims == -1 && errno != 0)
		program_fail(EXIT_SYSTEM, "RUN_DIR=%s: %s",
		    s->text[SETTING_RUN_DIR], strerror(errno));
	rc = store_restore(&store, path, file, force, progress_show, NULL);
	command_need(rc, store);
	store_close(store);
	rc = store_migrate(&store, path, &from, &to, NULL);
	command_need(rc, store);
	if (!known)
		upkeep_identity(s, store);
	store_close(store);
	(void)close(claims);
	return EXIT_GOOD;
}

static void
upkeep_print_line(void *context, const char *line)
{
	bool	*found = context;

	*found = true;
	progress_end();
	(void)puts(line);
}

int
command_check(const struct settings *s, int argc, char *argv[])
{
	bool				 full = false, bad = false;
	const struct command_option	 options[] = {
		{ "full", &full, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct census			 c;
	struct store			*store;

	(void)command_options(argc, argv, options, 0, 0);
	store = upkeep_open(s);
	command_need(store_check(store, full, &c, upkeep_print_line, &bad),
	    store);
	store_close(store);
	if (bad)
		return EXIT_CLIENT;
	(void)printf("no damage: %" PRId64 " tickets, %" PRId64 " sessions, %"
	    PRId64 " of them without an answer\n", c.tickets, c.sessions,
	    c.unanswered);
	return EXIT_GOOD;
}
