/*
 * sessions - the administrator's view of the kept answers.
 *
 *	sessions migrate		make the database, or bring it up to date
 *	sessions list			the newest session of each ticket
 *	sessions show 42		all sessions of a ticket
 *	sessions delete 42		a ticket and all that belongs to it
 *	sessions settings		the settings as they take effect
 *
 * Exit code: 0 good, 1 no such ticket, 100 usage, 102 settings or schema,
 * 111 system.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "failure.h"
#include "generation.h"
#include "jsonw.h"
#include "limit.h"
#include "program.h"
#include "settings.h"
#include "store.h"

static const char	usage[] =
    "usage: sessions [-c FILE] COMMAND\n"
    "  migrate            make the database, or bring it to this version\n"
    "  list [--json|--csv] [-n ROWS]\n"
    "                     the newest session of each ticket, newest first\n"
    "  show [--json|--csv] TICKET\n"
    "                     all sessions of a ticket, oldest first\n"
    "  delete TICKET      delete a ticket and all that belongs to it\n"
    "  settings           print the settings as they take effect\n"
    "  -c, --config FILE  settings from FILE, not from " CONF_FILE "\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "Exit code: 0 good, 1 no such ticket, 100 usage, 102 settings or schema,\n"
    "111 system.\n";

enum format { TABLE, JSON, CSV };

/* A report being printed. */
struct report {
	enum format	format;
	enum store_report which;
	int64_t		rows;
};

/* Ends the program where the store failed. */
static void
need(enum failure_code rc, const struct store *s)
{
	if (rc != FAILURE_NONE)
		program_fail((int)failure_exit(rc), "%s", store_error(s));
}

static struct store *
open_store(const struct settings *s)
{
	struct store	*store;

	need(store_open(&store, s->text[SETTING_DATABASE]), store);
	return store;
}

/* One row as a line of JSON. */
static void
print_json(const struct cell *c, int cells)
{
	struct buf	b = BUF_INIT(OUTPUT_MAX);
	struct jsonw	w;
	int		i;

	jsonw_begin(&w, &b);
	jsonw_object(&w, NULL);
	for (i = 0; i < cells; i++) {
		if (c[i].text == NULL)
			jsonw_trusted(&w, c[i].name, "null");
		else if (c[i].number)
			jsonw_trusted(&w, c[i].name, c[i].text);
		else
			jsonw_string(&w, c[i].name, c[i].text, c[i].len);
	}
	if (jsonw_end(&w, true) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	(void)fwrite(b.data, 1, b.len, stdout);
	buf_free(&b);
}

/* A field as RFC 4180 has it. */
static void
print_csv_field(const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		(void)fputs(text, stdout);
		return;
	}
	(void)putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)putchar('"');
		(void)putchar(*text);
	}
	(void)putchar('"');
}

static void
print_csv(const struct cell *c, int cells, bool names)
{
	int	i;

	for (i = 0; i < cells; i++) {
		if (i > 0)
			(void)putchar(',');
		print_csv_field(names ? c[i].name :
		    c[i].text == NULL ? "" : c[i].text);
	}
	(void)fputs("\r\n", stdout);
}

/* A list is a line a row; all that is known of one session a paragraph. */
static void
print_table(const struct report *r, const struct cell *c, int cells)
{
	static const int	width[] = { 10, 8, 24, 24, 8, 20, 7 };
	int			i;

	if (r->which == STORE_LIST) {
		for (i = 0; i < cells && r->rows == 0; i++)
			(void)printf("%-*s ", width[i], c[i].name);
		if (r->rows == 0)
			(void)putchar('\n');
		for (i = 0; i < cells; i++)
			(void)printf("%-*s ", width[i],
			    c[i].text == NULL ? "-" : c[i].text);
		(void)putchar('\n');
		return;
	}
	if (r->rows > 0)
		(void)putchar('\n');
	for (i = 0; i < cells; i++) {
		if (c[i].text != NULL)
			(void)printf("%s:%s%s\n", c[i].name,
			    strchr(c[i].text, '\n') == NULL ? " " : "\n",
			    c[i].text);
	}
}

static bool
print_row(void *context, const struct cell *c, int cells)
{
	struct report	*r = context;

	switch (r->format) {
	case JSON:
		print_json(c, cells);
		break;
	case CSV:
		if (r->rows == 0)
			print_csv(c, cells, true);
		print_csv(c, cells, false);
		break;
	case TABLE:
	default:
		print_table(r, c, cells);
	}
	r->rows++;
	return ferror(stdout) == 0;
}

/* Reads what stands behind a command; returns the index of its argument. */
static int
command_options(int argc, char *argv[], struct report *r, int64_t *limit)
{
	static const struct option	options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "csv", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int				o;

	optind = 0;	/* a second scan, from argv[1] on */
	while ((o = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		switch (o) {
		case 'j':
			r->format = JSON;
			break;
		case 'v':
			r->format = CSV;
			break;
		case 'n':
			if ((*limit = connection_number(optarg)) > 0)
				break;
			/* FALLTHROUGH */
		default:
			program_fail(EXIT_USAGE, "%s: bad option (try --help)",
			    argv[0]);
		}
	}
	return optind;
}

static int
list_or_show(const struct settings *s, int argc, char *argv[])
{
	struct report	 r = { .which = argv[0][0] == 'l' ? STORE_LIST :
			    STORE_SHOW };
	struct store	*store;
	int64_t		 limit = 50, arg;
	int		 i;

	i = command_options(argc, argv, &r, &limit);
	if (argc - i != (r.which == STORE_SHOW))
		program_fail(EXIT_USAGE, "%s: wrong arguments (try --help)",
		    argv[0]);
	arg = r.which == STORE_SHOW ? connection_number(argv[i]) : limit;
	if (arg == 0)
		program_fail(EXIT_USAGE, "%s is no ticket's number", argv[i]);
	store = open_store(s);
	need(store_report(store, r.which, arg, print_row, &r), store);
	store_close(store);
	if (r.rows == 0 && r.which == STORE_SHOW)
		program_fail(EXIT_CLIENT, "ticket %s has no session", argv[i]);
	return EXIT_GOOD;
}

static int
delete(const struct settings *s, int argc, char *argv[])
{
	struct store	*store;
	int64_t		 ticket;
	bool		 found;

	if (argc != 2 || (ticket = connection_number(argv[1])) == 0)
		program_fail(EXIT_USAGE, "delete takes a ticket's number");
	store = open_store(s);
	need(store_delete(store, ticket, &found), store);
	store_close(store);
	if (!found)
		program_fail(EXIT_CLIENT, "there is no ticket %s", argv[1]);
	return EXIT_GOOD;
}

/* Makes what the service needs on disk: the database and its directory. */
static int
migrate(const struct settings *s)
{
	struct store		*store;
	enum failure_code	 rc;
	int			 from, to;

	rc = store_migrate(&store, s->text[SETTING_DATABASE], &from, &to);
	need(rc, store);
	store_close(store);
	if (from == to)
		(void)printf("%s: schema %d, up to date\n",
		    s->text[SETTING_DATABASE], to);
	else
		(void)printf("%s: schema %d, was %d\n",
		    s->text[SETTING_DATABASE], to, from);
	return EXIT_GOOD;
}

int
main(int argc, char *argv[])
{
	static struct settings	 s;
	const char		*file, *command;
	int			 i, rc = EXIT_GOOD;

	program_start();
	i = program_options(argc, argv, usage, &file);
	program_settings(&s, file, 0);
	argc -= i;
	argv += i;
	command = argc > 0 ? argv[0] : "";
	if (strcmp(command, "migrate") == 0 && argc == 1)
		rc = migrate(&s);
	else if (strcmp(command, "list") == 0 || strcmp(command, "show") == 0)
		rc = list_or_show(&s, argc, argv);
	else if (strcmp(command, "delete") == 0)
		rc = delete(&s, argc, argv);
	else if (strcmp(command, "settings") == 0 && argc == 1)
		settings_print(&s, stdout);
	else
		program_fail(EXIT_USAGE, "unknown command \"%s\" (try --help)",
		    command);
	settings_free(&s);
	if (fflush(stdout) == EOF || ferror(stdout))
		program_fail(EXIT_SYSTEM, "standard output: %s",
		    strerror(errno));
	return rc;
}
