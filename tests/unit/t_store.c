/*
 * lib/store, migrate, report and db on real SQLite files: which session is
 * found, made, reused and answered; versions; races; a full database.
 */
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "clock.h"
#include "db.h"
#include "lock.h"
#include "store.h"
#include "t.h"

static const struct cost	cost = { .model = "m", .done_reason = "stop",
				    .prompt_tokens = 1, .answer_tokens = 2 };

/* Makes a database of this name, and opens it. */
static struct store *
make(const char *path)
{
	struct store	*s;
	int		 from, to;

	check_int(store_migrate(&s, path, &from, &to), FAILURE_NONE);
	store_close(s);
	check_int(store_open(&s, path), FAILURE_NONE);
	return s;
}

/* What the sqlite3 shell would do: no settings of ours, no foreign keys. */
static int64_t
shell(const char *path, const char *sql)
{
	sqlite3		*db;
	sqlite3_stmt	*st;
	int64_t		 n = -1;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		t_die("sqlite3_open");
	while (*sql != '\0') {
		if (sqlite3_prepare_v2(db, sql, -1, &st, &sql) != SQLITE_OK) {
			(void)printf("%s\n", sqlite3_errmsg(db));
			t_die(sql);
		}
		if (sqlite3_step(st) == SQLITE_ROW)
			n = sqlite3_column_int64(st, 0);
		(void)sqlite3_finalize(st);
	}
	(void)sqlite3_close(db);
	return n;
}

static int64_t
ask(struct store *s, int64_t ticket, const char *prompt)
{
	int64_t	id = -1;

	check_int(store_get_or_create(s, ticket, prompt, strlen(prompt),
	    false, 0, &id), FAILURE_NONE);
	return id;
}

static int64_t	versions;	/* after the last answer */

static enum failure_code
answer(struct store *s, int64_t id, const char *text)
{
	return store_update_response(s, id, text, strlen(text), &cost,
	    &versions);
}

/* What is found: a session's id, prompt and response; id 0 for none. */
static void
is(enum failure_code rc, struct session *s, int64_t id, const char *prompt,
    const char *response)
{
	check_int(rc, FAILURE_NONE);
	check_int(s->id, id);
	if (id != 0 && s->id != 0) {
		check_mem(s->prompt, s->prompt_len, prompt, strlen(prompt));
		check_mem(s->response, s->response_len, response,
		    strlen(response));
		check(s->prompt[s->prompt_len] == '\0' &&
		    s->response[s->response_len] == '\0');
		/* 2026-01-02T03:04:05.678Z */
		check(strlen(s->created) == 24 && s->created[10] == 'T' &&
		    s->created[23] == 'Z');
	}
	session_free(s);
}

static void
newest_is(struct store *s, int64_t ticket, int64_t id, const char *prompt,
    const char *response)
{
	struct session	found;
	int64_t		newest = -1;

	is(store_session_by_ticket(s, ticket, &found), &found, id, prompt,
	    response);
	check_int(store_newest(s, ticket, &newest), FAILURE_NONE);
	check_int(newest, id);
}

/* The answer of ticket 7, which has two, that has this number. */
static void
version_is(struct store *s, int64_t n, int64_t id, const char *prompt,
    const char *response)
{
	struct session	found;

	check_int(store_session_by_version(s, 7, n, &found), FAILURE_NONE);
	check_int(found.version, n);
	check_int(found.versions, 2);
	is(FAILURE_NONE, &found, id, prompt, response);
}

static void
sessions(void)
{
	struct store	*s = make("a.db");
	struct session	 found;
	int64_t		 a, b, c, id;

	newest_is(s, 7, 0, "", "");
	a = ask(s, 7, "one");
	check(a > 0);
	newest_is(s, 7, 0, "", "");
	row("without an answer it is reused");
	check_int(ask(s, 7, "two"), a);
	check(ask(s, 8, "other") != a);
	check_int(answer(s, a, "A"), FAILURE_NONE);
	newest_is(s, 7, a, "two", "A");
	newest_is(s, 8, 0, "", "");
	row("the first answer stays");
	check_int(answer(s, a, "B"), FAILURE_NONE);
	newest_is(s, 7, a, "two", "A");
	check_int(shell("a.db", "SELECT count(*) FROM TicketAIGenerations"),
	    1);
	row("a new one; until it is answered the old one serves");
	b = ask(s, 7, "three");
	check(b > a);
	newest_is(s, 7, a, "two", "A");
	is(store_session(s, 7, a, &found), &found, a, "two", "A");
	is(store_session(s, 7, b, &found), &found, 0, "", "");
	is(store_session(s, 8, a, &found), &found, 0, "", "");
	is(store_session(s, 7, 999, &found), &found, 0, "", "");
	check_int(versions, 1);
	check_int(answer(s, b, ""), FAILURE_NONE);
	check_int(versions, 2);
	newest_is(s, 7, b, "three", "");
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
	c = ask(s, 7, "four");
	check_int(shell("a.db", "INSERT INTO TicketAISessions (TicketId, "
	    "Prompt, AiResponse) VALUES (7, 'five', 'E') RETURNING Id"),
	    c + 1);
	check_int(ask(s, 7, "six"), c + 2);
	newest_is(s, 7, c + 1, "five", "E");
	row("gone meanwhile");
	check_int(answer(s, 999, "x"), FAILURE_UNKNOWN_TICKET);
	row("existing tickets only");
	check_int(store_get_or_create(s, 9, "p", 1, true, 0, &id),
	    FAILURE_UNKNOWN_TICKET);
	check_int(id, 0);
	check_int(shell("a.db", "SELECT count(*) FROM Tickets WHERE Id = 9"),
	    0);
	check_int(store_get_or_create(s, 8, "p", 1, true, 0, &id), FAILURE_NONE);
	check(id > 0);
	row("largest id");
	id = ask(s, INT64_MAX, "p");
	check_int(answer(s, id, "A"), FAILURE_NONE);
	newest_is(s, INT64_MAX, id, "p", "A");
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
	struct store	*s = make("t.db");
	struct session	 found;
	char		*big;
	size_t		 i;
	int64_t		 id;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i]);
		id = ask(s, (int64_t)i + 1, rows[i]);
		check_int(answer(s, id, rows[i]), FAILURE_NONE);
		newest_is(s, (int64_t)i + 1, id, rows[i], rows[i]);
	}
	row("a megabyte");
	if ((big = malloc((1 << 20) + 1)) == NULL)
		t_die("malloc");
	memset(big, 'b', 1 << 20);
	big[1 << 20] = '\0';
	id = ask(s, 77, big);
	check_int(answer(s, id, big), FAILURE_NONE);
	check_int(store_session_by_ticket(s, 77, &found), FAILURE_NONE);
	check(found.response_len == 1 << 20 &&
	    strcmp(found.response, big) == 0 && strcmp(found.prompt, big) == 0);
	session_free(&found);
	free(big);
	store_close(s);
}

/* A ticket goes with all that is its, foreign keys or not. */
static void
deletes(void)
{
	static const char	counts[] =
	    "SELECT (SELECT count(*) FROM Tickets) * 100 + (SELECT count(*) "
	    "FROM TicketAISessions) * 10 + (SELECT count(*) FROM "
	    "TicketAIGenerations)";
	struct store	*s = make("d.db");
	int64_t		 id, last = 0, t;
	bool		 found;

	for (t = 1; t <= 3; t++) {
		id = ask(s, t, "p");
		check_int(answer(s, id, "A"), FAILURE_NONE);
		last = ask(s, t, "p");
		check_int(answer(s, last, "B"), FAILURE_NONE);
	}
	check_int(shell("d.db", counts), 366);
	check_int(store_delete(s, 9, &found), FAILURE_NONE);
	check(!found);
	check_int(store_delete(s, 1, &found), FAILURE_NONE);
	check(found);
	check_int(shell("d.db", counts), 244);
	newest_is(s, 1, 0, "", "");
	check_int(shell("d.db", "PRAGMA foreign_keys"), 0);
	(void)shell("d.db", "DELETE FROM Tickets WHERE Id = 2");
	check_int(shell("d.db", counts), 122);
	row("an id is never used twice");
	check_int(store_delete(s, 3, &found), FAILURE_NONE);
	check_int(shell("d.db", counts), 0);
	check(ask(s, 3, "p") > last);
	row("an answer for what was deleted");
	check_int(answer(s, last, "late"), FAILURE_UNKNOWN_TICKET);
	store_close(s);
}

static void
migrations(void)
{
	struct store	*s;
	struct stat	 st;
	int		 from, to;

	row("none yet");
	check_int(store_open(&s, "m.db"), FAILURE_STORAGE);
	check(strstr(store_error(s), "m.db") != NULL);
	store_close(s);
	check(stat("m.db", &st) == -1);
	row("new");
	(void)umask(022);
	check_int(store_migrate(&s, "m.db", &from, &to), FAILURE_NONE);
	check_int(from, 0);
	check_int(to, SCHEMA_VERSION);
	store_close(s);
	check(stat("m.db", &st) == 0 && (st.st_mode & 0777) == 0600);
	check(stat("m.db-lock", &st) == 0 && (st.st_mode & 0777) == 0600);
	check_int(umask(022), 022);
	check_int(shell("m.db", "PRAGMA user_version"), SCHEMA_VERSION);
	check_int(shell("m.db", "PRAGMA application_id"), 0x7469636b);
	check_int(shell("m.db", "SELECT journal_mode = 'wal' FROM "
	    "pragma_journal_mode"), 1);
	row("again");
	check_int(store_migrate(&s, "m.db", &from, &to), FAILURE_NONE);
	check_int(from, SCHEMA_VERSION);
	store_close(s);
	row("of a newer program");
	(void)shell("m.db", "PRAGMA user_version = 99");
	check_int(store_open(&s, "m.db"), FAILURE_SCHEMA);
	check(strstr(store_error(s), "schema 99") != NULL);
	store_close(s);
	check_int(store_migrate(&s, "m.db", &from, &to), FAILURE_SCHEMA);
	check(strstr(store_error(s), "newer") != NULL);
	store_close(s);
	check_int(shell("m.db", "PRAGMA user_version"), 99);
	row("no directory");
	check_int(store_migrate(&s, "not/there.db", &from, &to),
	    FAILURE_STORAGE);
	check(*store_error(s) != '\0');
	store_close(s);
	store_close(NULL);
	check_str(store_error(NULL), "no memory");
}

/* What is not ours, or not of our version, is refused and left alone. */
static void
refuses(void)
{
	static const struct {
		int		 version;
		const char	*sql;
		bool		 open;	/* store_open refuses it as well */
	} rows[] = {
		{ 99, "CREATE TABLE x (y)", true },
		{ -5, "CREATE TABLE x (y)", true },
		{ -1, "CREATE TABLE x (y)", true },
		{ 0, "CREATE TABLE x (y)", true },
		/* Others count their versions as well. */
		{ 1, "CREATE TABLE x (y)", false },
		{ SCHEMA_VERSION, "CREATE TABLE x (y)", false },
		{ SCHEMA_VERSION, "PRAGMA application_id = 1; CREATE TABLE "
		    "Tickets (Id)", false },
	};
	struct store	*s;
	size_t		 i, len, len2;
	char		*before, *after, sql[128];
	int		 from, to;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%d %s", rows[i].version, rows[i].sql);
		(void)unlink("f.db");
		(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; "
		    "%s", rows[i].version, rows[i].sql);
		(void)shell("f.db", sql);
		before = t_read("f.db", &len);
		if (rows[i].open) {
			check_int(store_open(&s, "f.db"), FAILURE_SCHEMA);
			check(*store_error(s) != '\0');
			store_close(s);
		}
		check_int(store_migrate(&s, "f.db", &from, &to),
		    FAILURE_SCHEMA);
		check(strstr(store_error(s), "f.db") != NULL);
		store_close(s);
		after = t_read("f.db", &len2);
		check(len == len2 && memcmp(before, after, len) == 0);
		free(before);
		free(after);
	}
	row("no database at all");
	t_write("f.db", "hello, this is no database, but a long text.....",
	    48);
	check_int(store_open(&s, "f.db"), FAILURE_STORAGE);
	store_close(s);
	check_int(store_migrate(&s, "f.db", &from, &to), FAILURE_STORAGE);
	store_close(s);
	row("an empty file");
	t_write("f.db", "", 0);
	check_int(store_open(&s, "f.db"), FAILURE_SCHEMA);
	store_close(s);
	check_int(store_migrate(&s, "f.db", &from, &to), FAILURE_NONE);
	store_close(s);
}

/* A path is taken whole or, as SQLite takes 512 bytes, not at all. */
static void
long_path(void)
{
	char		 path[801];
	struct store	*s;
	size_t		 n = strlen(t_dir);
	int		 from, to;

	memcpy(path, t_dir, n);
	while (n < 450) {
		n += (size_t)snprintf(path + n, sizeof(path) - n, "/%046d", 0);
		if (mkdir(path, 0700) == -1)
			t_die("mkdir");
	}
	(void)snprintf(path + n, sizeof(path) - n, "/%0*d", 590 - (int)n, 0);
	check_int(store_migrate(&s, path, &from, &to), FAILURE_STORAGE);
	store_close(s);
	check_int(store_open(&s, path), FAILURE_STORAGE);
	store_close(s);
	for (n++; n < strlen(path); ) {
		path[strlen(path) - 1] = '\0';
		if (!check(access(path, F_OK) == -1 || n >= strlen(path)))
			break;
	}
	row("the longest");
	path[500] = '\0';
	memset(path + n, 'x', 500 - n);
	check_int(store_migrate(&s, path, &from, &to), FAILURE_NONE);
	store_close(s);
	check(access(path, F_OK) == 0);
}

/* Every process succeeds, and one of them has done it. */
static void
migrations_race(void)
{
	enum { N = 8 };
	struct store	*s;
	pid_t		 pid[N];
	int		 gate[2], i, made = 0, from, to, rc;
	char		 c;

	if (pipe(gate) == -1)
		t_die("pipe");
	for (i = 0; i < N; i++) {
		if ((pid[i] = t_fork()) != 0)
			continue;
		(void)close(gate[1]);
		(void)!read(gate[0], &c, 1);
		rc = (int)store_migrate(&s, "race.db", &from, &to);
		if (rc != FAILURE_NONE)
			(void)fprintf(stderr, "%s\n", store_error(s));
		store_close(s);
		_exit(rc != FAILURE_NONE ? 1 : from == 0 ? 2 : 0);
	}
	(void)close(gate[0]);
	(void)close(gate[1]);	/* they all go */
	for (i = 0; i < N; i++) {
		rc = t_wait(pid[i]);
		check(rc == 0 || rc == 2);
		made += rc == 2;
	}
	check_int(made, 1);
	check_int(shell("race.db", "PRAGMA user_version"), SCHEMA_VERSION);
}

/* Writers and readers at the same time: nobody fails, nothing is lost. */
static void
writers_race(void)
{
	enum { N = 6, EACH = 15 };
	struct store	*s = make("w.db");
	struct session	 found;
	pid_t		 pid[N];
	int64_t		 id;
	int		 i, k;

	store_close(s);
	for (i = 0; i < N; i++) {
		if ((pid[i] = t_fork()) != 0)
			continue;
		for (k = 0; k < EACH; k++) {
			if (store_open(&s, "w.db") != FAILURE_NONE ||
			    store_get_or_create(s, i + 1, "p", 1, false,
			    0, &id) != FAILURE_NONE || id == 0 ||
			    answer(s, id, "A") != FAILURE_NONE ||
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
	check_int(shell("w.db", "SELECT count(*) FROM TicketAISessions "
	    "WHERE AiResponse = 'A'"), N * EACH);
	check_int(shell("w.db", "SELECT count(*) FROM TicketAIGenerations"),
	    N * EACH);
}

/* A writer that knows nothing of our lock, such as the sqlite3 shell. */
static void
stranger(void)
{
	struct store	*s = make("s.db");
	int		 ready[2];
	int64_t		 id = 0;
	sqlite3		*db;
	pid_t		 pid;
	char		 c;

	if (pipe(ready) == -1)
		t_die("pipe");
	if ((pid = t_fork()) == 0) {
		if (sqlite3_open("s.db", &db) != SQLITE_OK || sqlite3_exec(db,
		    "BEGIN IMMEDIATE; INSERT INTO Tickets (Id) VALUES (5)",
		    NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		t_sleep_ms(300);
		_exit(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) !=
		    SQLITE_OK);
	}
	check_int(read(ready[0], &c, 1), 1);
	/* It is waited for, and what it wrote is seen. */
	check_int(store_get_or_create(s, 5, "p", 1, true, 0, &id), FAILURE_NONE);
	check(id > 0);
	check_int(t_wait(pid), 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
	store_close(s);
}

/* A full disk: nothing is half kept, and the next try works. */
static void
full(void)
{
	static char	 big[300001];
	struct store	*s = make("full.db");
	int64_t		 id = ask(s, 1, "p");

	memset(big, 'b', sizeof(big) - 1);
	check(sqlite3_exec(s->db, "PRAGMA max_page_count = 20", NULL, NULL,
	    NULL) == SQLITE_OK);
	check_int(answer(s, id, big), FAILURE_STORAGE);
	check(strstr(store_error(s), "full") != NULL);
	newest_is(s, 1, 0, "", "");
	check_int(answer(s, id, "small"), FAILURE_NONE);
	newest_is(s, 1, id, "p", "small");
	check_int(store_get_or_create(s, 2, big, sizeof(big) - 1, false, 0, &id),
	    FAILURE_STORAGE);
	check_int(shell("full.db", "SELECT count(*) FROM Tickets"), 1);
	store_close(s);
}

/* Whoever holds the database for too long is not waited for for ever. */
static void
held(void)
{
	struct store	*s = make("held.db"), *blocked = make("shell.db");
	sqlite3		*db;
	int64_t		 id, start = clock_us();
	pid_t		 pid[2];
	int		 fd, i;

	if ((fd = lock_open(".", "held.db-lock")) == -1 ||
	    lock_try(fd, 1) != 1)
		t_die("lock");
	if (sqlite3_open("shell.db", &db) != SQLITE_OK || sqlite3_exec(db,
	    "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		t_die("sqlite3");
	for (i = 0; i < 2; i++) {
		if ((pid[i] = t_fork()) == 0)
			_exit((int)store_get_or_create(i == 0 ? s : blocked, 1,
			    "p", 1, false, 0, &id));
	}
	/* Readers are not held up. */
	newest_is(s, 1, 0, "", "");
	newest_is(blocked, 1, 0, "", "");
	check(clock_us() - start < 2000000);
	for (i = 0; i < 2; i++)
		check_int(t_wait(pid[i]), FAILURE_STORAGE);
	check(clock_us() - start >= 4900000);
	check(clock_us() - start < 15000000);
	(void)sqlite3_close(db);
	(void)close(fd);
	check(ask(s, 1, "p") > 0 && ask(blocked, 1, "p") > 0);
	store_close(s);
	store_close(blocked);
}

struct seen {
	int	rows, cells, stop_at;
	int64_t	tickets;	/* digits, in their order */
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
	struct store	*s = make("r.db");
	struct seen	 n;
	int64_t		 t;

	for (t = 1; t <= 4; t++)
		check_int(answer(s, ask(s, t, "p"), "A"), FAILURE_NONE);
	(void)ask(s, 2, "again");
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
	check_int(n.cells, 13);
	check_str(n.last, "NULL");
	n = (struct seen){ 0 };
	check_int(store_report(s, STORE_SHOW, 9, 50, see, &n), FAILURE_NONE);
	check_int(n.rows, 0);
	store_close(s);
}

/* Each statement of sql/ is one that SQLite takes. */
static void
statements(void)
{
	const enum statement	first[] = { STATEMENT_RATE_CREATE,
				    STATEMENT_ASKS_CREATE,
				    STATEMENT_SEARCH_TEXTS,
				    STATEMENT_SEARCH_CREATE,
				    STATEMENT_IMPORT_CREATE };
	struct store	*s = make("st.db");
	size_t		 i;

	/* The limits have a database of their own; here it is one for all. */
	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		check(sqlite3_exec(s->db, store_statements[first[i]], NULL,
		    NULL, NULL) == SQLITE_OK);
	for (i = 0; i < STATEMENT__MAX; i++) {
		if (strncmp(store_statements[i], "CREATE", 6) == 0)
			continue;
		row("%s", store_statements[i]);
		check(db_statement(s, (enum statement)i) != NULL);
	}
	store_close(s);
}

int
main(void)
{
	t_begin();
	run(sessions);
	run(texts);
	run(deletes);
	run(migrations);
	run(refuses);
	run(long_path);
	run(migrations_race);
	run(writers_race);
	run(stranger);
	run(full);
	run(held);
	run(reports);
	run(statements);
	return t_end();
}
