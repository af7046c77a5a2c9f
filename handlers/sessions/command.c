/*
 * What the commands of sessions share: see command.h.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/number.h"
#include "base/utf8.h"
#include "generation/generation.h"
#include "program.h"
#include "request/connection.h"
#include "sessions/command.h"
#include "store/identity.h"
#include "store/maintain.h"

enum { OPTIONS_MAX = 16 };

/* Sets the variable of an option.  Returns false if the value is invalid. */
static bool
command_set(const struct command_option *o, const char *value)
{
	if (o->flag != NULL)
		*o->flag = true;
	else if (o->text != NULL)
		*o->text = value;
	else
		return (*o->number = number_id(value)) > 0;
	return true;
}

int
command_options(int argc, char *argv[], const struct command_option *o,
    int least, int most)
{
	struct option	 names[OPTIONS_MAX + 1];
	char		 letters[2 * OPTIONS_MAX + 1], *l = letters;
	int		 i, got;

	memset(names, 0, sizeof(names));
	for (i = 0; i < OPTIONS_MAX && o[i].name != NULL; i++) {
		names[i].name = o[i].name;
		names[i].has_arg = o[i].flag == NULL;
		names[i].val = 256 + i;
		if (o[i].name[1] != '\0')
			continue;
		*l++ = o[i].name[0];
		if (o[i].flag == NULL)
			*l++ = ':';
	}
	*l = '\0';
	optind = 0;	/* getopt_long scans argv a second time */
	while ((got = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		for (i = 0; got < 256 && o[i].name != NULL; i++) {
			if (o[i].name[0] == got && o[i].name[1] == '\0')
				got = 256 + i;
		}
		if (got >= 256 && !command_set(&o[got - 256], optarg))
			program_fail(EXIT_USAGE, "%s: the value of %s%s, %s, "
			    "is not a number from 1", argv[0],
			    o[got - 256].name[1] == '\0' ? "-" : "--",
			    o[got - 256].name, optarg);
		if (got < 256)
			program_fail(EXIT_USAGE, "%s: unknown option %s (try "
			    "sessions %s --help)", argv[0], argv[optind - 1],
			    argv[0]);
	}
	if (argc - optind < least || argc - optind > most)
		program_fail(EXIT_USAGE, "%s: wrong arguments (try sessions "
		    "%s --help)", argv[0], argv[0]);
	return optind;
}

void
command_text(struct buf *b, const char *what, const char *setting, int64_t max,
    const char *argument)
{
	int	rc;

	b->cap = (size_t)max + 2;	/* and a line end */
	rc = argument == NULL ? program_read(b) : buf_puts(b, argument);
	if (rc == -1 && errno != EMSGSIZE)
		program_fail(EXIT_SYSTEM, "standard input: %s",
		    strerror(errno));
	while (b->len > 0 && (b->data[b->len - 1] == '\n' ||
	    b->data[b->len - 1] == '\r'))
		b->len--;
	if (rc == -1 || b->len > (size_t)max)
		program_fail(EXIT_CLIENT, "the %s is longer than %s (%" PRId64
		    ")", what, setting, max);
	if (!utf8_valid(b->data, b->len) || (b->len > 0 &&
	    memchr(b->data, '\0', b->len) != NULL))
		program_fail(EXIT_CLIENT, "the %s is not text in UTF-8", what);
	if (utf8_blank(b->data, b->len))
		program_fail(EXIT_CLIENT, "the %s is blank", what);
}

int64_t
command_ticket(const char *command, const char *argument)
{
	int64_t	n;

	if ((n = number_id(argument)) == 0)
		program_fail(EXIT_USAGE, "%s: %s is not a ticket number",
		    command, argument);
	return n;
}

void
command_need(enum failure_code rc, const struct store *s)
{
	progress_end();
	if (rc != FAILURE_NONE)
		program_fail((int)failure_exit(rc), "%s", store_error(s));
}

void
command_run_dir(const struct settings *s)
{
	if (generation_prepare(s->text[SETTING_RUN_DIR]) == -1)
		program_fail(EXIT_SETTINGS, "RUN_DIR=%s: %s",
		    s->text[SETTING_RUN_DIR], errno == EPERM ?
		    "other users can access it (chmod 700)" : strerror(errno));
}

void
command_share_run_dir(const struct settings *s, struct store *store)
{
	char	id[STORE_IDENTITY + 1], why[1024];

	command_run_dir(s);
	command_need(store_identity(store, id), store);
	if (identity_share(s, id, store, IDENTITY_WAIT, why, sizeof(why)) ==
	    -1)
		program_fail(EXIT_SETTINGS, "%s", why);
}

struct store *
command_store(const struct settings *s)
{
	struct store		*store;
	enum failure_code	 rc;

	rc = store_open(&store, s->text[SETTING_DATABASE]);
	command_need(rc, store);
	return store;
}

/* The database whose reserve was deleted. */
static const char	*reserve_of;

static void
command_restore_reserve(void)
{
	store_reserve(reserve_of);
}

void
command_make_room(const struct settings *s)
{
	if (reserve_of != NULL || !store_release(s->text[SETTING_DATABASE]))
		return;
	reserve_of = s->text[SETTING_DATABASE];
	(void)atexit(command_restore_reserve);
}

void
command_flush(void)
{
	const bool	failed = ferror(stdout) != 0;	/* ferror does not set
							   errno */

	if (fflush(stdout) == EOF || failed)
		program_fail(EXIT_SYSTEM, "standard output: %s", failed ?
		    "cannot be written" : strerror(errno));
}

enum { FIRST = 500000, AGAIN = 200000 };	/* microseconds until the first
						   line and between two */

static int64_t	began, shown;
static int	width;		/* of the line on the terminal */

void
progress_show(void *context, const char *what, int64_t done, int64_t total)
{
	const int64_t	now = clock_us();
	char		line[80];
	int		n;

	(void)context;
	if (began == 0)
		began = now;
	if (now - began < FIRST || now - shown < AGAIN ||
	    isatty(STDERR_FILENO) != 1)
		return;
	shown = now;
	if (total > 0 && done <= total)
		n = snprintf(line, sizeof(line), "%s: %d%%", what,
		    (int)((double)done * 100 / (double)total));
	else
		n = snprintf(line, sizeof(line), "%s: %" PRId64 " s", what,
		    (now - began) / 1000000);
	(void)fprintf(stderr, "\r%-*s", width, line);
	width = n > width ? n : width;
}

void
progress_end(void)
{
	if (width > 0)
		(void)fprintf(stderr, "\r%*s\r", width, "");
	began = shown = width = 0;
}
