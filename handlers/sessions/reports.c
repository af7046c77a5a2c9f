/*
 * The reports: rows from the database and from the log.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/logfmt.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/print.h"

enum { DAYS_MAX = 36500 };

/* A report and its options. */
struct report {
	struct print	print;
	int64_t		rows;
	bool		json, csv;
	const char	*by;	/* stats: the name of the first column */
};

/* The options that all reports have. */
#define REPORT_OPTIONS(r) \
	{ "json", &(r)->json, NULL, NULL }, \
	{ "csv", &(r)->csv, NULL, NULL }, \
	{ "n", NULL, &(r)->rows, NULL }

/* Sets the form of a report: the one that was asked for, else `format'. */
static void
reports_form(struct report *r, enum print_format format)
{
	r->print.format = r->json ? PRINT_JSON : r->csv ? PRINT_CSV : format;
}

/*
 * Reads the options of a report that has no others.  Returns the index of the
 * first argument.
 */
static int
reports_begin(int argc, char *argv[], struct report *r,
    enum print_format format, int least, int most)
{
	const struct command_option	options[] = {
		REPORT_OPTIONS(r),
		{ NULL, NULL, NULL, NULL },
	};
	int				i;

	i = command_options(argc, argv, options, least, most);
	reports_form(r, format);
	return i;
}

/* Ends a report.  As in grep, finding nothing is exit code 1. */
static int
reports_end(struct report *r, struct store *store, enum failure_code rc,
    const char *nothing)
{
	print_end(&r->print);
	command_need(rc, store);
	store_close(store);
	if (r->print.rows == 0)
		program_fail(EXIT_CLIENT, "%s", nothing);
	return EXIT_GOOD;
}

int
command_list(const struct settings *s, int argc, char *argv[])
{
	struct report	 r = { .rows = 50 };
	struct store	*store;

	(void)reports_begin(argc, argv, &r, PRINT_TABLE, 0, 0);
	store = command_store(s);
	return reports_end(&r, store, store_report(store, STORE_LIST, 0, r.rows,
	    print_row, &r.print), "there are no sessions");
}

/* Makes a report about one ticket: rows of `what'. */
static int
reports_of_ticket(const struct settings *s, struct report *r, int64_t ticket,
    enum store_report which, enum print_format format, const char *what)
{
	struct store	*store;
	char		 nothing[64];

	reports_form(r, format);
	(void)snprintf(nothing, sizeof(nothing), "ticket %" PRId64 " has no "
	    "%s", ticket, what);
	store = command_store(s);
	return reports_end(r, store, store_report(store, which, ticket,
	    r->rows, print_row, &r->print), nothing);
}

int
command_show(const struct settings *s, int argc, char *argv[])
{
	struct report			 r = { .rows = INT64_MAX };
	bool				 sources = false;
	const struct command_option	 options[] = {
		REPORT_OPTIONS(&r),
		{ "sources", &sources, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	const int			 i = command_options(argc, argv,
					    options, 1, 1);

	return reports_of_ticket(s, &r, command_ticket(argv[0], argv[i]),
	    sources ? STORE_SHOW_SOURCES : STORE_SHOW, PRINT_PARAGRAPHS,
	    sources ? "sources" : "sessions");
}

int
command_history(const struct settings *s, int argc, char *argv[])
{
	struct report	r = { .rows = INT64_MAX };
	const int	i = reports_begin(argc, argv, &r, PRINT_TABLE, 1, 1);

	return reports_of_ticket(s, &r, command_ticket(argv[0], argv[i]),
	    STORE_HISTORY, PRINT_TABLE, "sessions");
}

int
command_search(const struct settings *s, int argc, char *argv[])
{
	struct report	 r = { .rows = 20 };
	struct store	*store;
	int		 i;

	i = reports_begin(argc, argv, &r, PRINT_TABLE, 1, argc);
	store = command_store(s);
	command_need(store_search_begin(store, progress_show, NULL), store);
	return reports_end(&r, store,
	    store_search(
		store, argv + i, argc - i, r.rows, print_row, &r.print),
	    "nothing found");
}

/* Names the first column of the statistics, if it has a name. */
static bool
reports_stats_row(void *context, const struct cell *c, int cells)
{
	struct report	*r = context;
	struct cell	 named[CELLS_MAX];

	if (r->by == NULL)
		return print_row(&r->print, c + 1, cells - 1);
	memcpy(named, c, (size_t)cells * sizeof(named[0]));
	named[0].name = r->by;
	return print_row(&r->print, named, cells);
}

/* The day of a log line (ISO 8601): its own time, or, for syslog, the time that
   `journalctl -o short-iso' puts in front. */
static void
reports_day(const char *line, char *day, size_t size)
{
	if (logfmt_value(line, "time", day, size))
		return;
	(void)snprintf(day, size, "%.10s", strspn(line, "0123456789-") == 10 &&
	    line[10] == 'T' ? line : "-");
}

/*
 * Counts the questions in a log by day and user, for the last `days' days (0:
 * all).  A log may have millions of lines, so cheap checks come first.
 */
static enum failure_code
reports_read_log(struct store *store, const char *path, int64_t days)
{
	char			 line[4 * LOG_LINE_MAX], outcome[16], day[11],
				 user[256], first[CLOCK_DATE] = "";
	enum failure_code	 rc = store_asks(store);

	/* In UTC, as in the log. */
	if (days > 0)
		(void)clock_day(time(NULL) - (time_t)days * 86400, first);
	/* Do not open /dev/stdin: that fails after changing to another user. */
	if (strcmp(path, "-") != 0 && freopen(path, "re", stdin) == NULL)
		program_fail(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	while (rc == FAILURE_NONE && fgets(line, sizeof(line), stdin) != NULL) {
		if (strstr(line, "prog=chat") == NULL ||
		    strstr(line, "outcome=") == NULL)
			continue;
		reports_day(line, day, sizeof(day));
		if (strcmp(day, first) < 0 || !logfmt_value(line, "prog", user,
		    sizeof(user)) || strcmp(user, "chat") != 0 ||
		    !logfmt_value(line, "outcome", outcome, sizeof(outcome)))
			continue;
		if (!logfmt_value(line, "user", user, sizeof(user)) ||
		    *user == '\0')
			(void)logfmt_value(line, "remote", user, sizeof(user));
		rc = store_ask(store, day, user, outcome);
	}
	if (ferror(stdin))
		program_fail(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	return rc;
}

int
command_stats(const struct settings *s, int argc, char *argv[])
{
	struct report			 r = { .rows = 50 };
	const char			*log = NULL;
	int64_t				 days = 0;
	const struct command_option	 options[] = {
		REPORT_OPTIONS(&r),
		{ "by", NULL, NULL, &r.by },
		{ "since", NULL, &days, NULL },
		{ "log", NULL, NULL, &log },
		{ NULL, NULL, NULL, NULL },
	};
	struct store			*store;
	enum store_report		 which = STORE_STATS;
	enum failure_code		 rc;

	(void)command_options(argc, argv, options, 0, 0);
	r.print.format = r.json ? PRINT_JSON : r.csv ? PRINT_CSV :
	    r.by == NULL && log == NULL ? PRINT_PARAGRAPHS : PRINT_TABLE;
	if (r.by != NULL && strcmp(r.by, "day") == 0)
		which = STORE_STATS_BY_DAY;
	else if (r.by != NULL && strcmp(r.by, "model") == 0)
		which = STORE_STATS_BY_MODEL;
	else if (r.by != NULL && strcmp(r.by, "prompt") == 0)
		which = STORE_STATS_BY_PROMPT;
	if ((r.by != NULL && (which == STORE_STATS || log != NULL)) ||
	    days > DAYS_MAX)
		program_fail(EXIT_USAGE, "stats: wrong options (try sessions "
		    "stats --help)");
	store = command_store(s);
	if (log == NULL)
		rc = store_report(store, which, days, r.rows, reports_stats_row,
		    &r);
	else if ((rc = reports_read_log(store, log, days)) == FAILURE_NONE)
		rc = store_report(store, STORE_ASKS, days, r.rows, print_row,
		    &r.print);
	return reports_end(&r, store, rc, log == NULL ? "there are no answers" :
	    "there are no questions");
}
