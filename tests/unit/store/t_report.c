/*
 * Reports and search on real SQLite files: which rows reports have, and what is
 * found.  The numbers are checked in tests/cases/sessions.bats.
 */
#include <inttypes.h>

#include "store/sqlite/db.h"
#include "store/store.h"
#include "t.h"

static struct store *
make(const char *path)
{
	struct store	*s;
	int		 from, to;

	check_int(store_migrate(&s, path, &from, &to, NULL), FAILURE_NONE);
	store_close(s);
	check_int(store_open(&s, path), FAILURE_NONE);
	return s;
}

/* Adds a session for a ticket, with an answer unless that is NULL. */
static void
add(struct store *s, int64_t ticket, const char *prompt, const char *answer)
{
	const struct cost	cost = { .model = "m", .done_reason = "stop",
				    .answer_tokens = 2, .first_token = 300 };
	const struct answered	all = {
		.prompt = prompt, .prompt_len = strlen(prompt),
		.response = answer,
		.response_len = answer == NULL ? 0 : strlen(answer),
		.cost = &cost, .prompt_name = "", .user = "", .server = ""
	};
	int64_t			id, versions;

	check_int(store_get_or_create(s, ticket, false, 0, &id),
	    FAILURE_NONE);
	if (answer != NULL)
		check_int(store_update_response(s, id, &all, &versions),
		    FAILURE_NONE);
}

/* The rows seen: the first two columns of each as "a,b;". */
struct seen {
	int	rows, stop_at, cells;
	char	text[512], name[32];
};

static bool
see(void *context, const struct cell *c, int cells)
{
	struct seen	*n = context;
	size_t		 len = strlen(n->text);

	n->rows++;
	n->cells = cells;
	(void)snprintf(n->name, sizeof(n->name), "%s", c[0].name);
	(void)snprintf(n->text + len, sizeof(n->text) - len, "%s,%s;",
	    c[0].text == NULL ? "-" : c[0].text,
	    c[1].text == NULL ? "-" : c[1].text);
	return n->rows != n->stop_at;
}

/* Checks a report's rows. */
static void
report_is(struct store *s, enum store_report which, int64_t arg, int64_t rows,
    const char *want)
{
	struct seen	n = { 0 };

	row("report %d of %" PRId64 ", %" PRId64 " rows", (int)which, arg,
	    rows);
	check_int(store_report(s, which, arg, rows, see, &n), FAILURE_NONE);
	check_str(n.text, want);
	check(n.cells <= CELLS_MAX);
}

static void
history(void)
{
	struct store	*s = make("h.db");

	report_is(s, STORE_HISTORY, 1, 9, "");
	add(s, 1, "p", "first");
	add(s, 2, "p", "another's");
	add(s, 1, "p", "second");
	add(s, 1, "p", NULL);
	report_is(s, STORE_HISTORY, 1, 9, "-,4;2,3;1,1;");
	report_is(s, STORE_HISTORY, 1, 2, "-,4;2,3;");
	report_is(s, STORE_HISTORY, 2, 9, "1,2;");
	report_is(s, STORE_SHOW, 1, 2, "1,3;1,4;");
	report_is(s, STORE_LIST, 0, 9, "1,4;2,2;");
	report_is(s, STORE_STATS, 0, 9, "-,3;");
	report_is(s, STORE_STATS_BY_MODEL, 0, 9, "m,3;");
	report_is(s, STORE_STATS_BY_MODEL, 1, 9, "m,3;");
	report_is(s, STORE_HEAD, 0, 1, "ours,wal;");
	store_close(s);
}

static void
asks(void)
{
	struct store	*s = make("a.db");

	check_int(store_report(s, STORE_ASKS, 0, 9, see, NULL),
	    FAILURE_STORAGE);
	check_int(store_asks(s), FAILURE_NONE);
	check_int(store_asks(s), FAILURE_STORAGE);
	report_is(s, STORE_ASKS, 0, 9, "");
	check_int(store_ask(s, "2026-11-22", "ana", "cached"), FAILURE_NONE);
	check_int(store_ask(s, "2026-11-23", "ana", "cached"), FAILURE_NONE);
	check_int(store_ask(s, "2026-11-23", "bob", "error"), FAILURE_NONE);
	check_int(store_ask(s, "2026-11-23", "bob", "generated"),
	    FAILURE_NONE);
	report_is(s, STORE_ASKS, 0, 9,
	    "2026-11-23,bob;2026-11-23,ana;2026-11-22,ana;");
	report_is(s, STORE_ASKS, 0, 1, "2026-11-23,bob;");
	check_int(db_pragma(s, "SELECT sum(Asks) * 100 + sum(Cached) * 10 + "
	    "sum(Errors) FROM Asks"), 421);
	check_int(db_pragma(s, "SELECT count(*) FROM sqlite_schema "
	    "WHERE name = 'Asks'"), 0);
	store_close(s);
}

static int	steps;
static int64_t	last_done, last_all;

static void
progress(void *context, const char *what, int64_t done, int64_t all)
{
	check_str(what, "reading the texts");
	check(context == &steps && done > last_done && done <= all);
	steps++;
	last_done = done;
	last_all = all;
}

/* Checks what one or two words find. */
static void
finds(struct store *s, const char *a, const char *b, const char *want)
{
	char		 word[2][64];
	char		*words[] = { word[0], word[1] };
	struct seen	 n = { 0 };

	row("%s %s", a, b == NULL ? "" : b);
	(void)snprintf(word[0], sizeof(word[0]), "%s", a);
	(void)snprintf(word[1], sizeof(word[1]), "%s", b == NULL ? "" : b);
	check_int(store_search(s, words, b == NULL ? 1 : 2, 9, see, &n),
	    FAILURE_NONE);
	check_str(n.text, want);
}

static void
search(void)
{
	static const char *const	none[] = {
		"pri", "printe", "jam printer", "OR", "NOT", "NEAR", "*",
		"**", "\"", "\"\"", "'", "", " ", "Prompt:jam", "-", "(", ")",
		"^", "a\"b", "\xff", "\xe2\x82", "jam\" OR \"impressora",
	};
	struct store			*s = make("s.db"), *other;
	char				 text[] = "jam", *words[] = { text };
	struct seen			 n = { 0 };
	size_t				 i;

	row("before it has begun");
	check_int(store_search(s, words, 1, 9, see, &n), FAILURE_STORAGE);
	store_close(s);
	s = make("s.db");
	add(s, 1, "Printer jam", "Open it.");
	add(s, 2, "A impressora não imprime", "Reinicie.");
	add(s, 2, "A impressora não imprime", "Desligue a impressora.");
	add(s, 3, "wi-fi for 6\"x4\" labels", "Yes.");
	check_int(store_search_begin(s, progress, &steps), FAILURE_NONE);
	check_int(steps, 1);
	check(last_done == 4 && last_all == 4);
	finds(s, "jam", NULL, "1,1;");
	finds(s, "JAM", "open", "1,1;");
	finds(s, "nao", "desligue", "2,2;");
	finds(s, "NÃO", NULL, "2,1;2,2;");
	finds(s, "impr*", NULL, "2,2;2,1;");
	finds(s, "printer jam", NULL, "1,1;");
	finds(s, "wi-fi", NULL, "3,1;");
	finds(s, "wi", "!!!", "3,1;");
	finds(s, "6\"x4", "\"labels\"", "3,1;");
	finds(s, "for 6\"x*", NULL, "3,1;");
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		finds(s, none[i], NULL, "");
	row("rows");
	n = (struct seen){ .stop_at = 1 };
	(void)snprintf(text, sizeof(text), "nao");
	check_int(store_search(s, words, 1, 9, see, &n), FAILURE_NONE);
	check_str(n.text, "2,1;");
	n = (struct seen){ 0 };
	check_int(store_search(s, words, 1, 1, see, &n), FAILURE_NONE);
	check_str(n.text, "2,1;");
	row("what is deleted meanwhile is not found, what comes neither");
	check_int(store_open(&other, "s.db"), FAILURE_NONE);
	add(other, 4, "jam", "jam");
	check(sqlite3_exec(other->db, "DELETE FROM Tickets WHERE Id = 2",
	    NULL, NULL, NULL) == SQLITE_OK);
	finds(s, "nao", NULL, "");
	finds(s, "jam", NULL, "1,1;");
	check_int(store_search_begin(s, NULL, NULL), FAILURE_STORAGE);
	check_int(db_pragma(other, "SELECT count(*) FROM sqlite_schema "
	    "WHERE name IN ('Words', 'Texts')"), 0);
	store_close(other);
	store_close(s);
}

/* Ids far apart, more than one part, and no sessions at all. */
static void
parts(void)
{
	struct store	*s = make("p.db");

	check_int(store_search_begin(s, progress, &steps), FAILURE_NONE);
	finds(s, "x", NULL, "");
	store_close(s);
	s = make("p.db");
	check(sqlite3_exec(s->db, "WITH RECURSIVE N (I) AS (SELECT 1 UNION "
	    "ALL SELECT I + 1 FROM N WHERE I < 5000) INSERT INTO Tickets (Id)"
	    " SELECT I FROM N; INSERT INTO TicketAISessions (Id, TicketId, "
	    "Prompt) SELECT Id * 1000000000000, Id, 'number ' || Id FROM "
	    "Tickets", NULL, NULL, NULL) == SQLITE_OK);
	steps = 0;
	last_done = 0;
	check_int(store_search_begin(s, progress, &steps), FAILURE_NONE);
	check_int(steps, 3);
	check_int(last_done, last_all);
	finds(s, "number", "5000", "5000,-;");
	finds(s, "number 2001", NULL, "2001,-;");
	store_close(s);
}

int
main(void)
{
	t_begin();
	run(history);
	run(asks);
	run(search);
	run(parts);
	return t_end();
}
