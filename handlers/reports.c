/*
 * The reports: what the database knows, as rows.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "command.h"
#include "print.h"
#include "program.h"

/* Prints a report; a program that finds nothing exits with 1, as grep does. */
static int
report(const struct settings *s, enum store_report which, int64_t arg,
    int64_t rows, struct print *p)
{
	struct store	*store = command_store(s);

	command_need(store_report(store, which, arg, rows, print_row, p),
	    store);
	print_end(p);
	store_close(store);
	return p->rows > 0 ? EXIT_GOOD : EXIT_CLIENT;
}

/* The formats that each report has, of which the last one given counts. */
static enum print_format
format(bool json, bool csv, enum print_format otherwise)
{
	return json ? PRINT_JSON : csv ? PRINT_CSV : otherwise;
}

int
command_list(const struct settings *s, int argc, char *argv[])
{
	bool				 json = false, csv = false;
	int64_t				 rows = 50;
	const struct command_option	 options[] = {
		{ "json", &json, NULL, NULL },
		{ "csv", &csv, NULL, NULL },
		{ "n", NULL, &rows, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct print			 p = { .rows = 0 };

	(void)command_options(argc, argv, options, 0, 0);
	p.format = format(json, csv, PRINT_TABLE);
	if (report(s, STORE_LIST, 0, rows, &p) != EXIT_GOOD)
		program_fail(EXIT_CLIENT, "there is no session");
	return EXIT_GOOD;
}

int
command_show(const struct settings *s, int argc, char *argv[])
{
	bool				 json = false, csv = false;
	int64_t				 rows = INT64_MAX;
	const struct command_option	 options[] = {
		{ "json", &json, NULL, NULL },
		{ "csv", &csv, NULL, NULL },
		{ "n", NULL, &rows, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct print			 p = { .rows = 0 };
	const char			*ticket;

	ticket = argv[command_options(argc, argv, options, 1, 1)];
	p.format = format(json, csv, PRINT_PARAGRAPHS);
	if (report(s, STORE_SHOW, command_ticket(argv[0], ticket), rows,
	    &p) != EXIT_GOOD)
		program_fail(EXIT_CLIENT, "ticket %s has no session", ticket);
	return EXIT_GOOD;
}
