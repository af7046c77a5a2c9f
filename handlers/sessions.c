/*
 * sessions - the administrator's view of the kept answers.
 *
 *	sessions migrate		make the database, or update it
 *	sessions list			the newest session of each ticket
 *	sessions show 42		all sessions of a ticket
 *	sessions delete 42		a ticket and all that belongs to it
 *	sessions settings		the settings as they take effect
 *	sessions token --ticket 42 KEY	a token for tests, signed with a key
 *
 * Exit code: 0 good, 1 no such ticket, 100 usage, 102 settings or schema,
 * 111 system.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connection.h"
#include "failure.h"
#include "file.h"
#include "generation.h"
#include "jsonw.h"
#include "limit.h"
#include "module.h"
#include "program.h"
#include "settings.h"
#include "store.h"
#include "token.h"
#include "utf8.h"

static const char	usage[] =
    "usage: sessions [-c FILE] COMMAND\n"
    "  migrate            make the database, or bring it to this version\n"
    "  list [--json|--csv] [-n ROWS]\n"
    "                     the newest session of each ticket, newest first\n"
    "  show [--json|--csv] TICKET\n"
    "                     all sessions of a ticket, oldest first\n"
    "  delete TICKET      delete a ticket and all that belongs to it\n"
    "  settings           check the settings, print them as they take effect\n"
    "  token [--ticket N] [--user NAME] [--ttl SECONDS] KEY-FILE\n"
    "                     make a token for tests, for an hour unless --ttl\n"
    "                     says otherwise, with a secret or a private key\n"
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
	enum failure_code	 rc;
	struct store		*store;

	rc = store_open(&store, s->text[SETTING_DATABASE]);
	need(rc, store);
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

/* A cell for a terminal, which would obey control characters. */
static const char *
tame(const struct cell *c, struct buf *b)
{
	struct utf8_cleaner	 cleaner = { .len = 0 };
	char			*p;

	buf_clear(b);
	if (utf8_clean(&cleaner, c->text, c->len, b) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	if (b->len == 0)
		return "";
	/* A carriage return would let a ticket write over what stands there. */
	for (p = b->data; (p = strchr(p, '\r')) != NULL; )
		*p = ' ';
	return b->data;
}

/* A list is a line a row; all that is known of one session a paragraph. */
static void
print_table(const struct report *r, const struct cell *c, int cells)
{
	static const int	width[] = { 10, 8, 24, 24, 8, 20, 7 };
	struct buf		b = BUF_INIT(OUTPUT_MAX);
	int			i;

	if (r->which == STORE_LIST) {
		for (i = 0; i < cells && r->rows == 0; i++)
			(void)printf("%-*s ", width[i], c[i].name);
		if (r->rows == 0)
			(void)putchar('\n');
		for (i = 0; i < cells; i++)
			(void)printf("%-*s ", width[i],
			    c[i].text == NULL ? "-" : tame(&c[i], &b));
		(void)putchar('\n');
		buf_free(&b);
		return;
	}
	if (r->rows > 0)
		(void)putchar('\n');
	for (i = 0; i < cells; i++) {
		if (c[i].text != NULL)
			(void)printf("%s:%s%s\n", c[i].name,
			    strchr(c[i].text, '\n') == NULL ? " " : "\n",
			    tame(&c[i], &b));
	}
	buf_free(&b);
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

/* Prints the settings; keys that cannot be used are bad settings too. */
static int
settings(const struct settings *s)
{
	struct token_keys	keys;
	char			error[512];

	if (s->number[SETTING_AUTH] == AUTH_REQUIRED) {
		if (token_keys_read(&keys, s->text[SETTING_JWT_KEY_FILE],
		    error, sizeof(error)) == -1)
			program_fail(EXIT_SETTINGS, "JWT_KEY_FILE: %s", error);
		token_keys_free(&keys);
	}
	settings_print(s, stdout);
	return EXIT_GOOD;
}

/* Makes a token for tests. */
static int
token(const struct settings *s, int argc, char *argv[])
{
	static const struct option	 options[] = {
		{ "ticket", required_argument, NULL, 't' },
		{ "user", required_argument, NULL, 'u' },
		{ "ttl", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	struct buf			 out = BUF_INIT(TOKEN_MAX);
	const struct signature		*module;
	const char			*user = "test";
	char				*key, error[512];
	int64_t				 ticket = 0, ttl = 3600;
	size_t				 len;
	int				 o;

	optind = 0;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'u')
			user = optarg;
		else if (o == 't' && (ticket = connection_number(optarg)) > 0)
			continue;
		else if (o != 'l' || (ttl = strtoll(optarg, NULL, 10)) == 0)
			program_fail(EXIT_USAGE, "token: bad option (try "
			    "--help)");
	}
	if (argc - optind != 1)
		program_fail(EXIT_USAGE, "token takes a key file");
	key = file_read(argv[optind], KEY_FILE_MAX, true, &len);
	if (key == NULL)
		program_fail(EXIT_SYSTEM, "%s: %s", argv[optind],
		    errno == EPERM ? "others may read it (chmod 600)" :
		    strerror(errno));
	module = module_load("signature.so", "signature_module", error,
	    sizeof(error));
	if (module == NULL)
		program_fail(EXIT_SYSTEM, "%s", error);
	if (token_make(module, key, len, s, ticket, user,
	    (int64_t)time(NULL) + ttl, &out) == -1)
		program_fail(EXIT_SETTINGS, "%s: neither a secret of 32 "
		    "bytes nor a private key in PEM, RSA or P-256",
		    argv[optind]);
	(void)puts(out.data);
	explicit_bzero(key, len);
	free(key);
	buf_free(&out);
	return EXIT_GOOD;
}

/* Makes what the service needs on disk: the run directory and the database. */
static int
migrate(const struct settings *s)
{
	struct store		*store;
	enum failure_code	 rc;
	int			 from, to;

	if (generation_prepare(s->text[SETTING_RUN_DIR]) == -1)
		program_fail(EXIT_SETTINGS, "RUN_DIR=%s: %s",
		    s->text[SETTING_RUN_DIR], errno == EPERM ?
		    "not ours alone (chmod 700)" : strerror(errno));
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
		rc = settings(&s);
	else if (strcmp(command, "token") == 0)
		rc = token(&s, argc, argv);
	else
		program_fail(EXIT_USAGE, "unknown command \"%s\" (try --help)",
		    command);
	settings_free(&s);
	if (fflush(stdout) == EOF || ferror(stdout))
		program_fail(EXIT_SYSTEM, "standard output: %s",
		    strerror(errno));
	return rc;
}
