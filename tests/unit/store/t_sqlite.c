/*
 * lib/store/sqlite: the files, their owner and mode; other writers; a full
 * disk; every statement of sql/.
 */
#include <malloc.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/lock.h"
#include "store/knowledge.h"
#include "store/sqlite/db.h"
#include "t_store.h"

/*
 * Runs SQL as the sqlite3 shell would: without our settings and foreign keys.
 */
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

/* Nothing is orphaned by the sqlite3 shell, which ignores foreign keys. */
static void
cascades(void)
{
	static const char	counts[] =
	    "SELECT (SELECT count(*) FROM Tickets) * 100 + (SELECT count(*) "
	    "FROM TicketAISessions) * 10 + (SELECT count(*) FROM "
	    "TicketAIGenerations)";
	struct store	*s = t_make("d");
	int64_t		 t;
	bool		 found;

	for (t = 1; t <= 3; t++) {
		check_int(t_answer(s, t_ask(s, t, "p"), "A"), FAILURE_NONE);
		check_int(t_answer(s, t_ask(s, t, "p"), "B"), FAILURE_NONE);
	}
	check_int(shell("d.db", counts), 366);
	check_int(shell("d.db", "PRAGMA foreign_keys"), 0);
	(void)shell("d.db", "DELETE FROM Tickets WHERE Id = 2");
	check_int(shell("d.db", counts), 244);
	check_int(store_delete(s, 1, &found), FAILURE_NONE);
	check_int(shell("d.db", counts), 122);
	row("one cost for an answer that comes twice");
	t = t_ask(s, 4, "p");
	check_int(t_answer(s, t, "A"), FAILURE_NONE);
	check_int(t_answer(s, t, "A"), FAILURE_NONE);
	check_int(shell("d.db", counts), 233);
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
	check_int(store_migrate(&s, "m.db", &from, &to, NULL), FAILURE_NONE);
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
	check_int(store_migrate(&s, "m.db", &from, &to, NULL), FAILURE_NONE);
	check_int(from, SCHEMA_VERSION);
	store_close(s);
	row("of a newer program");
	(void)shell("m.db", "PRAGMA user_version = 99");
	check_int(store_open(&s, "m.db"), FAILURE_SCHEMA);
	check(strstr(store_error(s), "schema 99") != NULL);
	store_close(s);
	check_int(store_migrate(&s, "m.db", &from, &to, NULL), FAILURE_SCHEMA);
	check(strstr(store_error(s), "newer") != NULL);
	store_close(s);
	check_int(shell("m.db", "PRAGMA user_version"), 99);
	row("no directory");
	check_int(store_migrate(&s, "not/there.db", &from, &to, NULL),
	    FAILURE_STORAGE);
	check(*store_error(s) != '\0');
	store_close(s);
	store_close(NULL);
	check_str(store_error(NULL), "no memory");
}

/* Other programs' databases and other versions are refused and not changed. */
static void
refuses(void)
{
	static const struct {
		int		 version;
		const char	*sql;
		bool		 open;	/* store_open refuses it, too */
	} rows[] = {
		{ 99, "CREATE TABLE x (y)", true },
		{ -5, "CREATE TABLE x (y)", true },
		{ -1, "CREATE TABLE x (y)", true },
		{ 0, "CREATE TABLE x (y)", true },
		/* Other programs count versions, too. */
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
		check_int(store_migrate(&s, "f.db", &from, &to, NULL),
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
	check_int(store_migrate(&s, "f.db", &from, &to, NULL), FAILURE_SCHEMA);
	store_close(s);
	row("an empty file");
	t_write("f.db", "", 0);
	check_int(store_open(&s, "f.db"), FAILURE_SCHEMA);
	store_close(s);
	check_int(store_migrate(&s, "f.db", &from, &to, NULL), FAILURE_NONE);
	store_close(s);
}

/* A path is used whole, or, since SQLite accepts 512 bytes, not at all. */
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
	check_int(store_migrate(&s, path, &from, &to, NULL), FAILURE_STORAGE);
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
	check_int(store_migrate(&s, path, &from, &to, NULL), FAILURE_NONE);
	store_close(s);
	check(access(path, F_OK) == 0);
}

/* A name that SQLite would truncate would be that of another file. */
static void
cut_path(void)
{
	static const char *const	pad[] = { "./", ".//", "/", "d/../" };
	char				path[1200], cut[512];
	struct store			*s;
	size_t				i, n;
	int				from, to, len;

	if (mkdir("d", 0700) == -1)
		t_die("mkdir");
	for (i = 0; i < sizeof(pad) / sizeof(pad[0]); i++) {
		for (len = 512; len < 1000; len += 119) {
			row("%s, %d bytes", pad[i], len);
			n = pad[i][0] == '/' ? (size_t)snprintf(path,
			    sizeof(path), "%s", t_dir) : 0;
			while (n < 490)
				n += (size_t)snprintf(path + n, sizeof(path) -
				    n, "%s", pad[i]);
			(void)snprintf(path + n, sizeof(path) - n, "%0*d",
			    len - (int)n, 0);
			check_int(strlen(path), len);
			(void)snprintf(cut, sizeof(cut), "%.511s", path);
			check_int(store_migrate(&s, path, &from, &to, NULL),
			    FAILURE_STORAGE);
			check(strstr(store_error(s), "bytes") != NULL);
			store_close(s);
			check_int(store_open(&s, path), FAILURE_STORAGE);
			store_close(s);
			check(access(cut, F_OK) == -1);
		}
	}
	row("no name at all");
	check_int(store_open(&s, ""), FAILURE_STORAGE);
	store_close(s);
}

/* SQLite's allocations, of which the nth fails; 0: none fails. */
static long	memory_fails, memory_count;

static bool
memory_is_there(void)
{
	return ++memory_count != memory_fails;
}

static void *
memory_get(int n)
{
	return memory_is_there() ? malloc((size_t)n) : NULL;
}

static void *
memory_again(void *p, int n)
{
	return memory_is_there() ? realloc(p, (size_t)n) : NULL;
}

static int
memory_size(void *p)
{
	return p == NULL ? 0 : (int)malloc_usable_size(p);
}

static int
memory_round(int n)
{
	return (n + 7) & ~7;
}

static int
memory_begin(void *context)
{
	(void)context;
	return SQLITE_OK;
}

static void
memory_end(void *context)
{
	(void)context;
}

/*
 * Each allocation of a statement fails once: the result is a whole answer or a
 * failure.
 */
static void
no_memory(void)
{
	static char	text[20001];
	struct session	k;
	struct store	*s;
	int64_t		id;
	long		n, most;
	int		whole = 0;

	memset(text, 'x', sizeof(text) - 1);
	s = t_make("memory");
	id = t_ask(s, 1, text);
	check_int(t_answer(s, id, text), FAILURE_NONE);
	store_close(s);
	for (most = n = 0; n <= most + 3; n++) {
		row("piece %ld of %ld", n, most);
		memory_count = 0;
		memory_fails = n;
		memset(&k, 0, sizeof(k));
		if (store_open(&s, t_database("memory")) == FAILURE_NONE &&
		    store_session_by_ticket(s, 1, &k) == FAILURE_NONE) {
			check_int(k.id, id);
			check_mem(k.prompt, k.prompt_len, text,
			    sizeof(text) - 1);
			check_mem(k.response, k.response_len, text,
			    sizeof(text) - 1);
			check(k.created[0] == '2');
			check_int(k.versions, 1);
			whole++;
		} else {
			check(k.response == NULL && *store_error(s) != '\0');
		}
		most = n == 0 ? memory_count : most;
		memory_fails = 0;
		session_free(&k);
		store_close(s);
	}
	check(whole > 1 && whole < most);
}

/* A writer that ignores our lock, such as the sqlite3 shell. */
static void
stranger(void)
{
	struct store	*s = t_make("s");
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
	/* We wait for it and see what it wrote. */
	check_int(store_get_or_create(s, 5, true, 0, &id),
	    FAILURE_NONE);
	check(id > 0);
	check_int(t_wait(pid), 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
	store_close(s);
}

/* A full disk: nothing is half saved, and the next try works. */
static void
full(void)
{
	static char	 big[300001];
	struct store	*s = t_make("full");
	int64_t		 id = t_ask(s, 1, "p");

	memset(big, 'b', sizeof(big) - 1);
	check(sqlite3_exec(s->db, "PRAGMA max_page_count = 20", NULL, NULL,
	    NULL) == SQLITE_OK);
	check_int(t_answer(s, id, big), FAILURE_STORAGE);
	check(strstr(store_error(s), "full") != NULL);
	t_newest_is(s, 1, 0, "", "");
	check_int(t_answer(s, id, "small"), FAILURE_NONE);
	t_newest_is(s, 1, id, "p", "small");
	check_int(shell("full.db", "SELECT count(*) FROM Tickets"), 1);
	store_close(s);
}

/* A database that is locked for too long is not waited for for ever. */
static void
held(void)
{
	struct store	*s = t_make("held"), *blocked = t_make("shell");
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
			_exit((int)store_get_or_create(i == 0 ? s : blocked,
			    1, false, 0, &id));
	}
	/* Readers need not wait. */
	t_newest_is(s, 1, 0, "", "");
	t_newest_is(blocked, 1, 0, "", "");
	check(clock_us() - start < 2000000);
	for (i = 0; i < 2; i++)
		check_int(t_wait(pid[i]), FAILURE_STORAGE);
	check(clock_us() - start >= 4900000);
	check(clock_us() - start < 15000000);
	(void)sqlite3_close(db);
	(void)close(fd);
	check(t_ask(s, 1, "p") > 0 && t_ask(blocked, 1, "p") > 0);
	store_close(s);
	store_close(blocked);
}

/* SQLite accepts every statement of sql/. */
static void
statements(void)
{
	const enum statement	first[] = { STATEMENT_RATE_CREATE,
				    STATEMENT_ASKS_CREATE,
				    STATEMENT_IMPORT_CREATE,
				    STATEMENT_KNOWLEDGE_CREATE,
				    STATEMENT_TOTALS_CREATE };
	struct store_word	 word = { "w", 1, STORE_UNCOUNTED, 0 };
	struct store		*s = t_make("st");
	size_t			 i;

	/* The limits normally have their own database; here there is one for
	   all. */
	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		check(sqlite3_exec(s->db, store_statements[first[i]], NULL,
		    NULL, NULL) == SQLITE_OK);
	/* Its tables need a tokenizer of ours, and a word one function. */
	check_int(store_search_begin(s, NULL, NULL), FAILURE_NONE);
	check_int(store_words(s, &word, 1, 1, 1), FAILURE_NONE);
	check_int(word.passages, 0);
	for (i = 0; i < STATEMENT__MAX; i++) {
		/* NULL: one of PostgreSQL's. */
		if (store_statements[i] == NULL ||
		    strncmp(store_statements[i], "CREATE", 6) == 0)
			continue;
		row("%s", store_statements[i]);
		check(db_statement(s, (enum statement)i) != NULL);
	}
	store_close(s);
}

enum { WORDS = 7 };

/* Adds a passage; w0 to w5 stand in those whose id their divisor divides. */
static void
words_add(struct store *s, int64_t id, const char *title)
{
	static const int	divisor[WORDS] = { 1, 0, 3, 250, 2, 10, 0 };
	char			body[100] = "";
	struct store_passage	p = { .words.title = { title, strlen(title) } };
	size_t			i, len = 0;

	for (i = 0; i < WORDS; i++) {
		if (divisor[i] == 0 ? i == 6 && id > 1 && id <= 321 :
		    id % divisor[i] == 0)
			len += (size_t)snprintf(body + len, sizeof(body) - len,
			    "w%zu ", i);
	}
	p.words.body.text = body;
	p.words.body.len = len;
	check_int(store_passage_add(s, 1, &p), FAILURE_NONE);
	check_int(sqlite3_last_insert_rowid(s->db), id);
}

struct found {
	int64_t	id[8];
	size_t	count;
};

static bool
words_found(void *context, const struct cell *c, int cells)
{
	struct found	*f = context;

	check_int(cells, 4);
	if (f->count < sizeof(f->id) / sizeof(f->id[0]))
		f->id[f->count++] = store_cell_number(&c[0]);
	return true;
}

/*
 * Common words are not counted, but those that are count exactly; candidates
 * are the best ones in their order.
 */
static void
words(void)
{
	static const struct {
		size_t	 least;
		int64_t	 rows, counts[WORDS];
	} rows[] = {
		{ 3, INT64_MAX, { 1000, 0, 333, 4, 500, 101, 320 } },
		{ 6, 1, { 1000, 0, 333, 4, 500, 101, 320 } },
		{ 5, 1, { -1, 0, 333, 4, 500, 101, 320 } },
		{ 1, 2258, { 1000, 0, 333, 4, 500, 101, 320 } },
		{ 1, 2257, { -1, 0, 333, 4, 500, 101, 320 } },
		{ 1, 938, { -1, 0, 333, 4, 500, 101, 320 } },
		{ 1, 937, { -1, 0, 333, 4, -1, 101, 320 } },
		{ 1, 438, { -1, 0, 333, 4, -1, 101, 320 } },
		{ 1, 437, { -1, 0, -1, 4, -1, 101, 320 } },
		{ 1, 0, { -1, 0, -1, 4, -1, 101, -1 } },
	};
	/* With all of w2 to w5; with w2, w4, and w5 in the title; without w2,
	   in the order of ids. */
	static const int64_t	 best[] = { 750, 36, 250, 500, 1000 };
	static const char	 text[] = "w0w1w2w3w4w5w6";
	struct store_word	 w[WORDS], two = { "w3-w4", 5, STORE_UNCOUNTED,
				    0 };
	struct found		 f = { .count = 0 };
	struct store		*s = t_make("w");
	int64_t			 id, all;
	size_t			 i, j;

	check_int(store_knowledge_make(s), FAILURE_NONE);
	(void)shell("w.db", "INSERT INTO Documents (Id, Name, Source, Hash, "
	    "Title, Url, LearnedAt) VALUES (1, '', '', '', '', '', '')");
	check_int(store_learn_begin(s), FAILURE_NONE);
	for (id = 1; id <= 1000; id++)
		words_add(s, id, id == 36 ? "w5" : "other");
	check_int(store_learn_end(s, FAILURE_NONE), FAILURE_NONE);
	check_int(store_passages_count(s, &all), FAILURE_NONE);
	check_int(all, 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("at least %zu, %d rows", rows[i].least,
		    (int)rows[i].rows);
		for (j = 0; j < WORDS; j++)
			w[j] = (struct store_word){ &text[2 * j], 2,
			    STORE_UNCOUNTED, (double)j };
		check_int(store_words(s, w, WORDS, rows[i].least,
		    rows[i].rows), FAILURE_NONE);
		for (j = 0; j < WORDS; j++)
			check_int(w[j].passages, rows[i].counts[j]);
		/* Those that are left are counted when it is asked for. */
		check_int(store_words(s, w, WORDS, 0, INT64_MAX),
		    FAILURE_NONE);
		for (j = 0; j < WORDS; j++)
			check_int(w[j].passages, rows[0].counts[j]);
	}
	row("what FTS5 takes for two words");
	check_int(store_words(s, &two, 1, 0, INT64_MAX), FAILURE_NONE);
	check_int(two.passages, 0);
	row("candidates");
	check_int(store_candidates(s, &w[2], 4, 5, words_found, &f),
	    FAILURE_NONE);
	check_int((int64_t)f.count, 5);
	for (i = 0; i < f.count; i++)
		check_int(f.id[i], best[i]);
	store_close(s);
}

int
main(void)
{
	const struct sqlite3_mem_methods	memory = {
		memory_get, free, memory_again, memory_size, memory_round,
		memory_begin, memory_end, NULL
	};

	t_begin();
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK)
		t_die("sqlite3_config");
	run(cascades);
	run(migrations);
	run(refuses);
	run(long_path);
	run(cut_path);
	run(no_memory);
	run(stranger);
	run(full);
	run(held);
	run(statements);
	run(words);
	return t_end();
}
