/*
 * Exports and imports sessions: lines of JSON, and the original service's
 * database.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/print.h"
#include "store/import.h"
#include "store/maintain.h"
#include "store/record.h"

enum { DAY = 86400, DAYS_MAX = 36500 };

/* An export in progress. */
struct export {
	struct print	print;
	int64_t		broken;		/* texts that are not UTF-8 */
	bool		whole;		/* rows have all their cells, also those
					   that are NULL */
};

static bool
transfer_export_row(void *context, const struct cell *c, int cells)
{
	struct export	*e = context;
	struct cell	 kept[CELLS_MAX];
	int		 i, n = 0;

	for (i = 0; i < cells; i++) {
		if (c[i].text != NULL && !utf8_valid(c[i].text, c[i].len))
			e->broken++;
		if (c[i].text != NULL || e->whole || !record_is_optional(i))
			kept[n++] = c[i];
	}
	progress_show(NULL, "writing", 0, 0);
	return print_row(&e->print, kept, n);
}

int
command_export(const struct settings *s, int argc, char *argv[])
{
	int64_t				 days = 0, since;
	const struct command_option	 options[] = {
		{ "since", NULL, &days, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct export			 e = {
		.print = { .format = PRINT_JSON }
	};
	struct store			*store;
	enum failure_code		 rc;

	(void)command_options(argc, argv, options, 0, 0);
	if (days > DAYS_MAX)
		program_fail(EXIT_USAGE, "export: --since needs a number of "
		    "days");
	store = command_store(s);
	since = days == 0 ? 0 : (int64_t)time(NULL) - days * DAY;
	rc = store_report(store, STORE_EXPORT, since, INT64_MAX,
	    transfer_export_row, &e);
	/* Behind all sessions: import takes both in any order. */
	e.whole = true;
	if (rc == FAILURE_NONE)
		rc = store_report(store, STORE_EXPORT_RATINGS, since,
		    INT64_MAX, transfer_export_row, &e);
	if (rc == FAILURE_NONE)
		rc = store_report(store, STORE_EXPORT_SOURCES, since,
		    INT64_MAX, transfer_export_row, &e);
	progress_end();
	print_end(&e.print);
	command_need(rc, store);
	store_close(store);
	if (e.broken == 0)
		return EXIT_GOOD;
	command_flush();
	program_fail(EXIT_CLIENT, "%" PRId64 " texts were not UTF-8 and were "
	    "repaired (sessions check lists them)", e.broken);
}

/* Lines being imported. */
struct lines {
	const char	*name;
	int		 fd;
	int64_t		 done, total;	/* bytes; total 0: not known */
	int64_t		 count;
	struct buf	 data;
	size_t		 taken;		/* bytes of data */
};

/* Reads more input.  Returns false at its end. */
static bool
transfer_read(struct lines *l)
{
	char	data[READ_MAX];
	ssize_t	n;

	if (l->taken > 0)
		buf_drop(&l->data, l->taken);
	l->taken = 0;
	while ((n = read(l->fd, data, sizeof(data))) == -1 && errno == EINTR)
		;
	if (n == -1 || (n > 0 && buf_add(&l->data, data, (size_t)n) == -1))
		program_fail(EXIT_SYSTEM, "%s: line %" PRId64 ": %s", l->name,
		    l->count + 1, errno == EMSGSIZE ? "too long" :
		    strerror(errno));
	l->done += n;
	progress_show(NULL, "reading", l->done, l->total);
	return n > 0;
}

/*
 * Returns the next line without its line end, valid until the next call; NULL
 * at the end of input.
 */
static const char *
transfer_next_line(struct lines *l, size_t *len)
{
	const char	*line, *end;
	size_t		 rest, seen = 0;	/* bytes searched without a line
						   end */

	for (;;) {
		line = l->data.len == 0 ? "" : l->data.data + l->taken;
		rest = l->data.len - l->taken;
		if (rest > seen && (end = memchr(line + seen, '\n',
		    rest - seen)) != NULL) {
			*len = (size_t)(end - line);
			l->taken += *len + 1;
			break;
		}
		seen = rest;
		if (!transfer_read(l)) {
			/* The last line may have no line end. */
			line = l->data.data;
			*len = l->taken = rest;
			if (rest == 0)
				return NULL;
			break;
		}
	}
	l->count++;
	return line;
}

/* Gathers all lines of a file. */
static void
transfer_gather(struct store *store, struct lines *l)
{
	struct record		 r = { .json = { .count = 0 } };
	enum failure_code	 rc;
	const char		*line;
	char			 why[256];
	size_t			 len;

	while ((line = transfer_next_line(l, &len)) != NULL) {
		rc = FAILURE_BAD_REQUEST;
		if (record_read(&r, line, len, why, sizeof(why)) == 0) {
			rc = import_add(store, &r, l->count);
			(void)snprintf(why, sizeof(why), "%s",
			    store_error(store));
		}
		if (rc != FAILURE_NONE) {
			progress_end();
			program_fail((int)failure_exit(rc), "%s: line %" PRId64
			    ": %s", l->name, l->count, why);
		}
	}
	record_free(&r);
	buf_free(&l->data);
}

/* Opens a file, or standard input if file is NULL. */
static void
transfer_open(struct lines *l, const char *file)
{
	struct stat	st;

	*l = (struct lines){ .name = file, .data = BUF_INIT(OUTPUT_MAX) };
	if (file == NULL)
		l->name = "standard input";
	else if ((l->fd = open(file, O_RDONLY | O_CLOEXEC)) == -1)
		program_fail(EXIT_SYSTEM, "%s: %s", file, strerror(errno));
	if (fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode))
		l->total = st.st_size;
}

static void
transfer_conflict(void *context, int64_t line, int64_t session)
{
	const struct lines	*l = context;

	progress_end();
	(void)fprintf(stderr, "%s: line %" PRId64 ": session %" PRId64 " is a "
	    "different one here\n", l->name, line, session);
}

static void
transfer_late(void *context, int64_t ticket, int64_t same)
{
	(void)context;
	(void)same;
	progress_end();
	(void)fprintf(stderr, "ticket %" PRId64 " was answered here since then "
	    "and is left out\n", ticket);
}

int
command_import(const struct settings *s, int argc, char *argv[])
{
	const char			*original = NULL;
	const struct command_option	 options[] = {
		{ "aspnet", NULL, NULL, &original },
		{ NULL, NULL, NULL, NULL },
	};
	struct import			 done;
	struct lines			 l;
	struct store			*store;
	int64_t				 last;
	int				 i;

	i = command_options(argc, argv, options, 0, 1);
	if (original != NULL && i < argc)
		program_fail(EXIT_USAGE, "import: give either a FILE or "
		    "--aspnet");
	store = command_store(s);
	store_watch(store, progress_show, NULL);
	command_need(import_begin(store), store);
	if (original != NULL) {
		command_need(import_original(store, original, &last), store);
		command_need(import_merge_original(store, &done, transfer_late,
		    NULL), store);
	} else {
		transfer_open(&l, i < argc ? argv[i] : NULL);
		transfer_gather(store, &l);
		command_need(import_merge(store, &done, transfer_conflict, &l),
		    store);
		if (l.fd != STDIN_FILENO)
			(void)close(l.fd);
	}
	store_close(store);
	(void)printf("%" PRId64 " sessions and %" PRId64 " tickets imported, %"
	    PRId64 " sessions were here already\n", done.sessions,
	    done.tickets, done.known);
	return done.left == 0 ? EXIT_GOOD : EXIT_CLIENT;
}
