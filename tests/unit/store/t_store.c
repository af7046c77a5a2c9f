/*
 * lib/store/store.h with either implementation: which session is found, made,
 * reused and answered; ids, races, reports.  On SQLite, and on PostgreSQL if
 * T_SERVER is set (t_store.h).
 */
#include "store/import.h"
#include "store/maintain.h"
#include "t_store.h"

static void
conflict(void *context, int64_t line, int64_t session)
{
	(void)context;
	(void)line;
	(void)session;
	fail("a conflict");
}

/* Imports a session with an answer. */
static void
take_in(struct store *s, int64_t ticket, int64_t id, const char *prompt,
    const char *response)
{
	static const char	when[] = "2026-01-02T03:04:05.678Z";
	struct record		r = { 0 };
	struct import		done = { 0 };
	int			i;

	for (i = 0; i < RECORD__MAX; i++)
		r.value[i].null = true;
	r.value[RECORD_TICKET].number = ticket;
	r.value[RECORD_SESSION].number = id;
	r.value[RECORD_TICKET].null = r.value[RECORD_SESSION].null = false;
	check(record_set(&r, RECORD_CREATED, when, strlen(when)) == 0 &&
	    record_set(&r, RECORD_ANSWERED, when, strlen(when)) == 0 &&
	    record_set(&r, RECORD_PROMPT, prompt, strlen(prompt)) == 0 &&
	    record_set(&r, RECORD_RESPONSE, response, strlen(response)) == 0);
	check_int(import_begin(s), FAILURE_NONE);
	check_int(import_add(s, &r, 1), FAILURE_NONE);
	check_int(import_merge(s, &done, conflict, NULL), FAILURE_NONE);
	check_int(done.sessions, 1);
	record_free(&r);
}

static void
wrong(void *context, const char *line)
{
	(void)context;
	fail(line);
}

/* Checks the answer with this number of ticket 7, which has two. */
static void
version_is(struct store *s, int64_t n, int64_t id, const char *prompt,
    const char *response)
{
	struct session	found;

	check_int(store_session_by_version(s, 7, n, &found), FAILURE_NONE);
	check_int(found.version, n);
	check_int(found.versions, 2);
	t_is(FAILURE_NONE, &found, id, prompt, response);
}

static void
sessions(void)
{
	struct store	*s = t_make("a");
	struct session	 found;
	int64_t		 a, b, c, id;
	bool		 there;

	t_newest_is(s, 7, 0, "", "");
	a = t_ask(s, 7, "one");
	check(a > 0);
	t_newest_is(s, 7, 0, "", "");
	row("without an answer it is reused");
	check_int(t_ask(s, 7, "two"), a);
	check(t_ask(s, 8, "other") != a);
	check_int(t_answer(s, a, "A"), FAILURE_NONE);
	t_newest_is(s, 7, a, "two", "A");
	t_newest_is(s, 8, 0, "", "");
	row("the first answer stays");
	check_int(t_answer(s, a, "B"), FAILURE_INTERRUPTED);
	t_newest_is(s, 7, a, "two", "A");
	row("a new one; until it is answered the old one serves");
	b = t_ask(s, 7, "three");
	check(b > a);
	t_newest_is(s, 7, a, "two", "A");
	t_is(store_session(s, 7, a, &found), &found, a, "two", "A");
	t_is(store_session(s, 7, b, &found), &found, 0, "", "");
	t_is(store_session(s, 8, a, &found), &found, 0, "", "");
	t_is(store_session(s, 7, 999, &found), &found, 0, "", "");
	check_int(t_answer(s, b, ""), FAILURE_NONE);
	check_int(t_versions, 2);
	t_newest_is(s, 7, b, "three", "");
	row("the older answers by their number");
	version_is(s, 1, a, "two", "A");
	version_is(s, 2, b, "three", "");
	check_int(store_session_by_version(s, 7, 3, &found), FAILURE_NONE);
	check_int(found.id, 0);
	check_int(store_session_by_version(s, 8, 1, &found), FAILURE_NONE);
	check_int(found.id, 0);
	check_int(store_session_by_version(s, 7, INT64_MAX, &found),
	    FAILURE_NONE);
	check_int(found.id, 0);
	row("an old one without an answer is not reused");
	c = t_ask(s, 7, "four");
	take_in(s, 7, c + 1, "five", "E");
	check_int(t_ask(s, 7, "six"), c + 2);
	t_newest_is(s, 7, c + 1, "five", "E");
	row("gone meanwhile");
	check_int(t_answer(s, 999, "x"), FAILURE_UNKNOWN_TICKET);
	row("existing tickets only");
	check_int(store_get_or_create(s, 9, true, 0, &id),
	    FAILURE_UNKNOWN_TICKET);
	check_int(id, 0);
	check_int(store_has_ticket(s, 9, &there), FAILURE_NONE);
	check(!there);
	check_int(store_has_ticket(s, 8, &there), FAILURE_NONE);
	check(there);
	check_int(store_get_or_create(s, 8, true, 0, &id),
	    FAILURE_NONE);
	check(id > 0);
	row("largest id");
	id = t_ask(s, INT64_MAX, "p");
	check_int(t_answer(s, id, "A"), FAILURE_NONE);
	t_newest_is(s, INT64_MAX, id, "p", "A");
	store_close(s);
}

/* Texts come back byte for byte. */
static void
texts(void)
{
	static const char	*const rows[] = {
		"'; DROP TABLE Tickets; --", "\xc3\xa1\xf0\x9f\x98\x80\n\t\"",
		"?1 :x @y $z", "", "\xef\xbf\xbd",
	};
	struct store	*s = t_make("t");
	struct session	 found;
	char		*big;
	size_t		 i;
	int64_t		 id;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i]);
		id = t_ask(s, (int64_t)i + 1, rows[i]);
		check_int(t_answer(s, id, rows[i]), FAILURE_NONE);
		t_newest_is(s, (int64_t)i + 1, id, rows[i], rows[i]);
	}
	row("a megabyte");
	if ((big = malloc((1 << 20) + 1)) == NULL)
		t_die("malloc");
	memset(big, 'b', 1 << 20);
	big[1 << 20] = '\0';
	id = t_ask(s, 77, big);
	check_int(t_answer(s, id, big), FAILURE_NONE);
	check_int(store_session_by_ticket(s, 77, &found), FAILURE_NONE);
	check(found.response_len == 1 << 20 &&
	    strcmp(found.response, big) == 0 && strcmp(found.prompt, big) == 0);
	session_free(&found);
	free(big);
	store_close(s);
}

/* Appends every text to a buffer. */
static void
gather(void *context, int64_t session, const char *text, size_t len)
{
	char	*all = context;

	(void)session;
	(void)snprintf(all + strlen(all), 512 - strlen(all), "%.*s|",
	    (int)len, text);
}

/* A text is saved once, with its answer and not before. */
static void
kept_with_its_answer(void)
{
	struct store	*s = t_make("kept");
	int64_t		 id = t_ask(s, 1, "printer jam"), other;
	char		 all[512] = "";

	row("asked, not answered");
	check_int(store_texts(s, 1, gather, all), FAILURE_NONE);
	check_str(all, "|");
	row("answered");
	check_int(t_answer(s, id, "A"), FAILURE_NONE);
	check_int(t_versions, 1);
	t_newest_is(s, 1, id, "printer jam", "A");
	row("the same once more: its commit was not acknowledged");
	check_int(t_answer(s, id, "A"), FAILURE_NONE);
	check_int(t_versions, 1);
	t_newest_is(s, 1, id, "printer jam", "A");
	row("another answer");
	check_int(t_answer(s, id, "B"), FAILURE_INTERRUPTED);
	check(strstr(store_error(s), "another answer") != NULL);
	row("the same answer to another text");
	t_prompt[(uint64_t)id % 256] = "printer jam ";
	check_int(t_answer(s, id, "A"), FAILURE_INTERRUPTED);
	t_newest_is(s, 1, id, "printer jam", "A");
	row("a refresh that is not answered");
	other = t_ask(s, 1, "another text");
	check(other != id);
	all[0] = '\0';
	check_int(store_texts(s, 1, gather, all), FAILURE_NONE);
	check_str(all, "printer jam|A||");
	check_int(t_ask(s, 1, "a third text"), other);
	check_int(t_answer(s, other, "C"), FAILURE_NONE);
	check_int(t_versions, 2);
	t_newest_is(s, 1, other, "a third text", "C");
	store_close(s);
}

/* Finds a ticket's answer by its text, whichever version it is. */
static void
by_text(void)
{
	static const struct {
		const char	*text;
		int		 version;	/* of the answer; 0: none */
	} rows[] = {
		{ "Printer jam\non floor 2", 1 },
		{ "Printer jam\r\non floor 2\r\n", 1 },
		{ "\xef\xbb\xbfPrinter\xc2\xa0jam \t\non floor 2", 1 },
		{ "esta\xcc\x81 parada", 2 }, { "est\xc3\xa1 parada", 2 },
		{ "  taken in  ", 3 }, { "taken in", 3 },
		{ "printer jam\non floor 2", 0 },
		{ "Printer  jam\non floor 2", 0 },
		{ "esta parada", 0 }, { "est\xc3\xa0 parada", 0 },
	};
	struct store	*s = t_make("text");
	struct session	 found;
	char		 one[TEXT_HASH + 1], two[TEXT_HASH + 1];
	size_t		 i;
	int64_t		 id = 0;

	check_int(t_answer(s, t_ask(s, 5, "Printer jam\non floor 2"), "A"),
	    FAILURE_NONE);
	id = t_ask(s, 5, "est\xc3\xa1 parada");
	check_int(t_answer(s, id, "B"), FAILURE_NONE);
	take_in(s, 5, id + 1, "taken in\n", "C");
	id = t_ask(s, 6, "another ticket's");
	check_int(t_answer(s, id, "D"), FAILURE_NONE);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(store_session_by_text(s, 5, rows[i].text,
		    strlen(rows[i].text), &found), FAILURE_NONE);
		check_int(found.id == 0 ? 0 : found.version, rows[i].version);
		session_free(&found);
	}
	row("each database has a secret of its own");
	check_int(store_text_hash(s, "a", 1, one), FAILURE_NONE);
	store_close(s);
	s = t_make("text2");
	check_int(store_text_hash(s, "a", 1, two), FAILURE_NONE);
	check(strcmp(one, two) != 0);
	store_close(s);
}

/*
 * Each database has its own name, which does not change unless a new one is
 * drawn.
 */
static void
identity(void)
{
	struct store	*s = t_make("i1"), *t = t_make("i2");
	char		 a[STORE_IDENTITY + 1], b[STORE_IDENTITY + 1],
			 c[STORE_IDENTITY + 1];

	check_int(store_identity(s, a), FAILURE_NONE);
	check_int(strlen(a), STORE_IDENTITY);
	check_int(strspn(a, "0123456789abcdef"), STORE_IDENTITY);
	check_int(store_identity(t, b), FAILURE_NONE);
	check(strcmp(a, b) != 0);
	store_close(t);
	check_int(store_open(&t, t_database("i1")), FAILURE_NONE);
	check_int(store_identity(t, b), FAILURE_NONE);
	check_str(b, a);
	check_int(store_new_identity(s), FAILURE_NONE);
	check_int(store_identity(s, c), FAILURE_NONE);
	check(strcmp(a, c) != 0);
	store_close(s);
	store_close(t);
}

/* Counts all that is saved; a session's cost is deleted with it. */
static void
counts(struct store *s, int64_t tickets, int64_t sessions)
{
	struct census	n = { 0 };

	check_int(store_check(s, true, &n, wrong, NULL), FAILURE_NONE);
	check_int(n.tickets, tickets);
	check_int(n.sessions, sessions);
}

/* A ticket is deleted with all that belongs to it. */
static void
deletes(void)
{
	struct store	*s = t_make("d");
	int64_t		 id, last = 0, t;
	bool		 found;

	for (t = 1; t <= 3; t++) {
		id = t_ask(s, t, "p");
		check_int(t_answer(s, id, "A"), FAILURE_NONE);
		last = t_ask(s, t, "p");
		check_int(t_answer(s, last, "B"), FAILURE_NONE);
	}
	counts(s, 3, 6);
	check_int(store_delete(s, 9, &found), FAILURE_NONE);
	check(!found);
	check_int(store_delete(s, 1, &found), FAILURE_NONE);
	check(found);
	counts(s, 2, 4);
	t_newest_is(s, 1, 0, "", "");
	row("an id is never used twice");
	check_int(store_delete(s, 3, &found), FAILURE_NONE);
	counts(s, 1, 2);
	check(t_ask(s, 3, "p") > last);
	row("an answer for what was deleted");
	check_int(t_answer(s, last, "late"), FAILURE_UNKNOWN_TICKET);
	store_close(s);
}

/* Every process succeeds, and one of them has migrated. */
static void
migrations_race(void)
{
	enum { N = 8 };
	struct store	*s;
	pid_t		 pid[N];
	int		 gate[2], i, made = 0, from, to, rc;
	char		 c;

	t_fresh("race");
	if (pipe(gate) == -1)
		t_die("pipe");
	for (i = 0; i < N; i++) {
		if ((pid[i] = t_fork()) != 0)
			continue;
		(void)close(gate[1]);
		(void)!read(gate[0], &c, 1);
		rc = (int)store_migrate(&s, t_database("race"), &from, &to,
		    NULL);
		if (rc != FAILURE_NONE)
			(void)fprintf(stderr, "%s\n", store_error(s));
		store_close(s);
		_exit(rc != FAILURE_NONE ? 1 : from == 0 ? 2 : 0);
	}
	(void)close(gate[0]);
	(void)close(gate[1]);	/* lets all of them start */
	for (i = 0; i < N; i++) {
		rc = t_wait(pid[i]);
		check(rc == 0 || rc == 2);
		made += rc == 2;
	}
	check_int(made, 1);
	check_int(store_open(&s, t_database("race")), FAILURE_NONE);
	counts(s, 0, 0);
	store_close(s);
}

/* After another machine has answered meanwhile, the caller must ask again. */
static void
answered_since(void)
{
	struct store	*s = t_make("since");
	int64_t		 a = t_ask(s, 7, "one"), b, id = -1;

	check_int(t_answer(s, a, "A"), FAILURE_NONE);
	check_int(store_get_or_create(s, 7, false, 0, &id),
	    FAILURE_NONE);
	check_int(id, 0);
	check_int(store_get_or_create(s, 7, false, a, &b),
	    FAILURE_NONE);
	check(b > a);
	row("begun there, not answered yet");
	check_int(store_get_or_create(s, 7, false, a, &id),
	    FAILURE_NONE);
	check_int(id, b);
	t_prompt[b % 256] = "three";
	check_int(t_answer(s, b, "B"), FAILURE_NONE);
	t_newest_is(s, 7, b, "three", "B");
	store_close(s);
}

/* Writers and readers at the same time: none fails, nothing is lost. */
static void
writers_race(void)
{
	enum { N = 6, EACH = 15 };
	struct store	*s = t_make("w");
	struct session	 found;
	pid_t		 pid[N];
	int64_t		 id, newest;
	int		 i, k;

	store_close(s);
	for (i = 0; i < N; i++) {
		if ((pid[i] = t_fork()) != 0)
			continue;
		for (k = 0; k < EACH; k++) {
			if (store_open(&s, t_database("w")) != FAILURE_NONE ||
			    store_newest(s, i + 1, &newest) != FAILURE_NONE ||
			    store_get_or_create(s, i + 1, false,
			    newest, &id) != FAILURE_NONE || id == 0 ||
			    t_answer(s, id, "A") != FAILURE_NONE ||
			    store_session_by_ticket(s, i + 1, &found) !=
			    FAILURE_NONE || found.id != id)
				_exit(1);
			session_free(&found);
			store_close(s);
		}
		_exit(0);
	}
	for (i = 0; i < N; i++)
		check_int(t_wait(pid[i]), 0);
	check_int(store_open(&s, t_database("w")), FAILURE_NONE);
	counts(s, N, N * EACH);
	store_close(s);
}

struct seen {
	int	rows, cells, stop_at;
	int64_t	tickets;	/* its digits, in order */
	char	last[64];
};

static bool
see(void *context, const struct cell *c, int cells)
{
	struct seen	*s = context;

	s->rows++;
	s->cells = cells;
	s->tickets = s->tickets * 10 + (c[0].text[0] - '0');
	check_str(c[0].name, "ticket");
	check(c[0].number && c[0].len == 1);
	check_str(c[1].name, "session");
	(void)snprintf(s->last, sizeof(s->last), "%s",
	    c[cells - 1].text == NULL ? "NULL" : c[cells - 1].text);
	return s->rows != s->stop_at;
}

static void
reports(void)
{
	struct store	*s = t_make("r");
	struct seen	 n;
	int64_t		 t;

	for (t = 1; t <= 4; t++)
		check_int(t_answer(s, t_ask(s, t, "p"), "A"), FAILURE_NONE);
	(void)t_ask(s, 2, "again");
	n = (struct seen){ 0 };
	check_int(store_report(s, STORE_LIST, 0, 50, see, &n), FAILURE_NONE);
	check_int(n.tickets, 2431);
	check_int(n.cells, 7);
	n = (struct seen){ 0 };
	check_int(store_report(s, STORE_LIST, 0, 3, see, &n), FAILURE_NONE);
	check_int(n.tickets, 243);
	n = (struct seen){ .stop_at = 2 };
	check_int(store_report(s, STORE_LIST, 0, 50, see, &n), FAILURE_NONE);
	check_int(n.tickets, 24);
	n = (struct seen){ 0 };
	check_int(store_report(s, STORE_SHOW, 2, 50, see, &n), FAILURE_NONE);
	check_int(n.tickets, 22);
	check_int(n.cells, 15);
	check_str(n.last, "NULL");
	n = (struct seen){ 0 };
	check_int(store_report(s, STORE_SHOW, 9, 50, see, &n), FAILURE_NONE);
	check_int(n.rows, 0);
	store_close(s);
}

int
main(void)
{
	t_store_begin();
	run(sessions);
	run(texts);
	run(kept_with_its_answer);
	run(by_text);
	run(identity);
	run(deletes);
	if (*t_server != '\0')
		run(answered_since);
	run(migrations_race);
	run(writers_race);
	run(reports);
	return t_end();
}
