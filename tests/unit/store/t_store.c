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
	check_int(n.cells, 19);
	check_str(n.last, "NULL");
	n = (struct seen){ 0 };
	check_int(store_report(s, STORE_SHOW, 9, 50, see, &n), FAILURE_NONE);
	check_int(n.rows, 0);
	store_close(s);
}

/* Asks a question about an answer and answers it. */
static int64_t
t_turn(struct store *s, int64_t ticket, int64_t root, const char *question,
    const char *answer)
{
	int64_t	id = -1;

	check_int(store_question_add(s, ticket, root, &id), FAILURE_NONE);
	t_prompt[(uint64_t)id % 256] = question;
	if (answer != NULL)
		check_int(t_answer(s, id, answer), FAILURE_NONE);
	return id;
}

/* Checks what is found for a question, and how many there are. */
static void
t_found_is(struct store *s, int64_t root, const char *question, int64_t id,
    int64_t all)
{
	int64_t	found = -1, questions = -1;

	row("%s", question);
	check_int(store_thread_find(s, 7, root, question, strlen(question),
	    &found, &questions), FAILURE_NONE);
	check_int(found, id);
	check_int(questions, all);
}

/* What concerns the ticket's answer knows nothing of questions about it. */
static void
questions_are_no_answers(void)
{
	struct store	*s = t_make("questions");
	struct session	 found;
	int64_t		 a, b, one, two, id = -1;

	a = t_ask(s, 7, "jam");
	check_int(store_question_add(s, 7, a, &id), FAILURE_UNKNOWN_TICKET);
	check_int(id, 0);
	check_int(t_answer(s, a, "A"), FAILURE_NONE);
	one = t_turn(s, 7, a, "why?", "because");
	check(one > a);
	check_int(t_versions, 1);
	t_newest_is(s, 7, a, "jam", "A");
	check_int(store_session_by_ticket(s, 7, &found), FAILURE_NONE);
	check_int(found.versions, 1);
	check_int(found.follows, 0);
	session_free(&found);
	check_int(store_session_by_version(s, 7, 2, &found), FAILURE_NONE);
	check_int(found.id, 0);
	check_int(store_session_by_text(s, 7, "why?", 4, &found),
	    FAILURE_NONE);
	check_int(found.id, 0);
	row("by its own session, with the version that it is about");
	check_int(store_session(s, 7, one, &found), FAILURE_NONE);
	check_int(found.follows, a);
	check_int(found.version, 1);
	t_is(FAILURE_NONE, &found, one, "why?", "because");
	row("about a question, of another ticket, or about nothing");
	check_int(store_question_add(s, 7, one, &id), FAILURE_UNKNOWN_TICKET);
	check_int(store_question_add(s, 8, a, &id), FAILURE_UNKNOWN_TICKET);
	check_int(store_question_add(s, 7, 999, &id), FAILURE_UNKNOWN_TICKET);
	row("an unanswered question is never begun again as an answer");
	two = t_turn(s, 7, a, "and now?", NULL);
	b = t_ask(s, 7, "jam again");
	check(b > two);
	check_int(t_ask(s, 7, "jam again"), b);
	check_int(t_answer(s, b, "B"), FAILURE_NONE);
	check_int(t_versions, 2);
	check_int(t_answer(s, two, "pull"), FAILURE_NONE);
	check_int(t_versions, 2);
	t_newest_is(s, 7, b, "jam again", "B");
	check_int(store_session(s, 7, two, &found), FAILURE_NONE);
	check_int(found.version, 1);
	session_free(&found);
	store_close(s);
}

static void
threads(void)
{
	struct store		*s = t_make("thread");
	struct session		 turn;
	struct store_root	 root;
	char			 x[QUESTION_HASH + 1], y[QUESTION_HASH + 1];
	int64_t			 a, b, one, two, open, id = -1, i;

	a = t_ask(s, 7, "jam");
	check_int(t_answer(s, a, "A"), FAILURE_NONE);
	one = t_turn(s, 7, a, "The light\tstays  red,\r\n what now?", "1");
	open = t_turn(s, 7, a, "lost", NULL);
	two = t_turn(s, 7, a, "and\nnow?", "2");
	row("in order, without those that have no answer, in one view");
	store_view(s, true);
	t_is(store_thread_next(s, 7, a, 0, &turn), &turn, one,
	    "The light\tstays  red,\r\n what now?", "1");
	t_is(store_thread_next(s, 7, a, one, &turn), &turn, two, "and\nnow?",
	    "2");
	t_is(store_thread_next(s, 7, a, two, &turn), &turn, 0, "", "");
	store_view(s, false);
	t_is(store_thread_next(s, 8, a, 0, &turn), &turn, 0, "", "");
	t_is(store_thread_next(s, 7, one, 0, &turn), &turn, 0, "", "");
	row("the same question, blanks folded");
	t_found_is(s, a, "The light stays red, what now?", one, 3);
	t_found_is(s, a, " \nthe light stays red, what now?", 0, 3);
	t_found_is(s, a, "\v and   now?\xc2\xa0", two, 3);
	t_found_is(s, a, "and now ?", 0, 3);
	t_found_is(s, a, "lost", 0, 3);
	t_found_is(s, a + 100, "and now?", 0, 0);
	row("its name: of the root and of the question");
	check_int(store_question_hash(s, a, "and now?", 8, x), FAILURE_NONE);
	check_int(store_question_hash(s, a, " and\tnow? ", 10, y),
	    FAILURE_NONE);
	check_str(x, y);
	check(strlen(x) == QUESTION_HASH && strspn(x, "0123456789abcdef") ==
	    QUESTION_HASH);
	check_int(store_question_hash(s, a + 1, "and now?", 8, y),
	    FAILURE_NONE);
	check(strcmp(x, y) != 0);
	row("what the model reads");
	check_int(store_root(s, 7, a, &root), FAILURE_NONE);
	check_mem(root.text, root.text_len, "jam", 3);
	check_mem(root.answer, root.answer_len, "A", 1);
	check(root.instruction == NULL && root.model_text == NULL);
	store_root_free(&root);
	check_int(store_root(s, 7, one, &root), FAILURE_UNKNOWN_TICKET);
	store_root_free(&root);
	check_int(store_root(s, 8, a, &root), FAILURE_UNKNOWN_TICKET);
	store_root_free(&root);
	row("one that ended without an answer; no other row is deleted");
	check_int(store_question_delete(s, open), FAILURE_NONE);
	check_int(store_question_delete(s, one), FAILURE_NONE);
	b = t_ask(s, 7, "again");
	check_int(store_question_delete(s, b), FAILURE_NONE);
	check_int(t_ask(s, 7, "again"), b);
	t_found_is(s, a, "and now?", two, 2);
	row("full");
	for (i = 2; i < THREAD_MAX; i++)
		(void)t_turn(s, 7, a, "more", NULL);
	check_int(store_question_add(s, 7, a, &id), FAILURE_THREAD_FULL);
	check_int(id, 0);
	row("a new version begins an empty thread");
	check_int(t_answer(s, b, "B"), FAILURE_NONE);
	(void)t_turn(s, 7, b, "and now?", "3");
	t_found_is(s, b, "more", 0, 1);
	store_close(s);
}

/* Describes the sources of a session. */
static void
add_source(void *context, const struct store_source *s)
{
	char	*all = context;
	size_t	 len = strlen(all);

	(void)snprintf(all + len, 2000 - len, "%lld %lld %s|%s|%s|%lld|%s|%d\n",
	    (long long)s->n, (long long)s->passage, s->name, s->title, s->url,
	    (long long)s->ticket, s->text, s->cited);
}

static void
t_sources_are(struct store *s, int64_t session, const char *want)
{
	char	got[2000] = "";

	check_int(store_sources(s, session, add_source, got), FAILURE_NONE);
	check_str(got, want);
}

/* The notes that the model was given, kept with the answer and nowhere else. */
static void
sources(void)
{
	static const struct store_source	given[] = {
		{ 1, 5, "a.md", "The \"p\"\xc3\xa9", "https://wiki/1", 0,
		    "Open\n\\it\x01\x7f", true },
		{ 3, 0, "", "Ticket 17", "", 17, "Close it.", false },
	};
	static const char	first[] = "1 5 a.md|The \"p\"\xc3\xa9|"
				    "https://wiki/1|0|Open\n\\it\x01\x7f|1\n"
				    "3 0 |Ticket 17||17|Close it.|0\n";
	static const char	second[] = "1 5 a.md|The \"p\"\xc3\xa9|"
				    "https://wiki/1|0|Open\n\\it\x01\x7f|0\n"
				    "3 0 |Ticket 17||17|Close it.|1\n";
	struct store	*s = t_make("sources");
	struct written	 w = { 7, 0, "ana", "see [3]", 7, 1U << 3 | 1U << 9 };
	int64_t		 a, b, c, id, version;
	bool		 found;

	row("none was ever given");
	a = t_ask(s, 7, "jam");
	t_sources_are(s, a, "");
	check_int(store_delete(s, 99, &found), FAILURE_NONE);
	row("kept with the answer, while their tickets have one");
	check_int(t_answer(s, t_ask(s, 17, "tray"), "Close it."),
	    FAILURE_NONE);
	t_sources = given;
	t_source_count = 2;
	check_int(t_answer(s, a, "A"), FAILURE_NONE);
	t_sources_are(s, a, first);
	row("the same answer again, and another one, change nothing");
	t_source_count = 1;
	check_int(t_answer(s, a, "A"), FAILURE_NONE);
	check_int(t_answer(s, a, "B"), FAILURE_INTERRUPTED);
	t_sources_are(s, a, first);
	row("a person's answer has those of the one that it replaces");
	check_int(store_write(s, &w, &b, &version), FAILURE_NONE);
	t_sources_are(s, b, second);
	check_int(store_write(s, &w, &id, &version), FAILURE_NONE);
	check_int(id, b);
	t_sources_are(s, b, second);
	row("a question has its own");
	c = t_turn(s, 7, b, "why?", "because");
	t_sources_are(s, c, "1 5 a.md|The \"p\"\xc3\xa9|https://wiki/1|0|"
	    "Open\n\\it\x01\x7f|1\n");
	row("a row that is begun again has none");
	t_source_count = 0;
	id = t_ask(s, 7, "jam");
	check_int(t_ask(s, 7, "jam"), id);
	check_int(t_answer(s, id, "C"), FAILURE_NONE);
	t_sources_are(s, id, "");
	row("those of a solved ticket go with its last answer");
	check_int(t_answer(s, t_ask(s, 17, "solved"), "Close it."),
	    FAILURE_NONE);
	check_int(t_answer(s, t_ask(s, 17, "solved"), "Close it."),
	    FAILURE_NONE);
	id = t_turn(s, 17, t_newest(s, 17), "why?", NULL);
	check_int(store_question_delete(s, id), FAILURE_NONE);
	t_sources_are(s, a, first);
	check_int(store_delete(s, 17, &found), FAILURE_NONE);
	t_sources_are(s, a, "1 5 a.md|The \"p\"\xc3\xa9|https://wiki/1|0|"
	    "Open\n\\it\x01\x7f|1\n");
	row("deleted with the ticket");
	check_int(store_delete(s, 7, &found), FAILURE_NONE);
	check(found);
	t_sources_are(s, a, "");
	t_sources_are(s, b, "");
	t_sources_are(s, c, "");
	store_close(s);
}

/* A person's answer: the same on both stores. */
static void
writes(void)
{
	struct store	*s = t_make("written");
	struct session	 got;
	struct written	 w = { 7, 0, "ana", "mine\xc3\xa9", 6, 0 };
	int64_t		 first, mine, id, version;

	check_int(store_write(s, &w, &id, &version), FAILURE_NO_ANSWER);
	(void)t_ask(s, 7, "text");	/* a row without an answer is none */
	check_int(store_write(s, &w, &id, &version), FAILURE_NO_ANSWER);
	check_int(t_answer(s, first = t_ask(s, 7, "text"), "A"), FAILURE_NONE);
	(void)t_ask(s, 7, "text");
	check_int(store_write(s, &w, &mine, &version), FAILURE_NONE);
	check(mine > first);
	check_int(version, 2);
	check_int(store_session_by_ticket(s, 7, &got), FAILURE_NONE);
	check_int(got.id, mine);
	check_int(got.version, 2);
	check_mem(got.response, got.response_len, w.response, 6);
	check_str(got.prompt, "text");
	check_str(got.author, "ana");
	check(got.instruction == NULL);
	session_free(&got);
	row("again");
	w.session = first;
	check_int(store_write(s, &w, &id, &version), FAILURE_NONE);
	check_int(id, mine);
	row("changed");
	w.response = "other";
	w.response_len = 5;
	check_int(store_write(s, &w, &id, &version), FAILURE_ANSWER_CHANGED);
	check_int(id, mine);
	check_int(version, 2);
	row("another ticket's");
	check_int(t_answer(s, w.session = t_ask(s, 8, "text"), "A"),
	    FAILURE_NONE);
	check_int(store_write(s, &w, &id, &version), FAILURE_BAD_REQUEST);
	w.session = 99999;
	check_int(store_write(s, &w, &id, &version), FAILURE_BAD_REQUEST);
	row("without a name");
	w.session = mine;
	w.author = "";
	check_int(store_write(s, &w, &id, &version), FAILURE_NONE);
	check_int(version, 3);
	check_int(store_session_by_text(s, 7, "text ", 5, &got),
	    FAILURE_NONE);
	check_int(got.id, id);
	check_str(got.author, "");
	session_free(&got);
	check_int(store_session_by_version(s, 7, 1, &got), FAILURE_NONE);
	check_int(got.id, first);
	check(got.author == NULL);
	session_free(&got);
	row("a new answer of the model comes behind it");
	check_int(t_answer(s, t_ask(s, 7, "text"), "B"), FAILURE_NONE);
	check_int(store_newest(s, 7, &id), FAILURE_NONE);
	check(id > mine);
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
	run(questions_are_no_answers);
	run(threads);
	run(deletes);
	if (*t_server != '\0')
		run(answered_since);
	run(migrations_race);
	run(writers_race);
	run(reports);
	run(writes);
	run(sources);
	return t_end();
}
