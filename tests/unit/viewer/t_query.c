/*
 * What a question asks the database: the decisions, and the lines that are
 * exchanged with the process that asks a server.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/admission.h"
#include "t_store.h"
#include "frame/frame.h"
#include "viewer/query.h"

static struct settings	settings;
static struct store	*store;

/* Runs a query from a line.  The caller frees the frames. */
static void
ask(const char *line, struct buf *frames, struct verdict *v)
{
	char		user[ADMISSION_WHO];
	struct query	q;
	struct request	r;

	memset(v, 0, sizeof(*v));
	query_read(&q, &r, user, sizeof(user), line, strlen(line), 1000);
	if (r.failure.code == FAILURE_NONE)
		query_run(&store, &settings, &q, frames, v);
	else
		v->failure = r.failure;
	request_free(&r);
}

static void
decides(void)
{
	static const struct {
		const char		*line;
		int			 cache;
		int			 version;	/* whose answer is
							   used */
		enum failure_code	 code;
		bool			 changed;
	} rows[] = {
		/* Ticket 5 has three answers, to the texts "one", "two" and
		 * "one" again. */
		{ "\"ticketBody\":\"one\"", CACHE_TICKET, 3, 0, false },
		{ "\"ticketBody\":\"two\"", CACHE_TICKET, 3, 0, true },
		{ "\"ticketBody\":\"two\"", CACHE_BODY, 2, 0, false },
		{ "\"ticketBody\":\" one\\r\\n\"", CACHE_BODY, 3, 0, false },
		{ "\"ticketBody\":\"three\"", CACHE_BODY, 0, 0, false },
		{ "\"ticketBody\":\"x\",\"version\":1", CACHE_BODY, 1, 0,
		    true },
		{ "\"ticketBody\":\"one\",\"version\":3", CACHE_TICKET, 3, 0,
		    false },
		{ "\"ticketBody\":\"one\",\"version\":4", CACHE_TICKET, 0,
		    FAILURE_BAD_REQUEST, false },
		{ "\"ticketBody\":\"one\",\"refresh\":true", CACHE_TICKET, 0,
		    0, false },
		{ "\"ticketBody\":\"one\",\"refresh\":true,\"seen\":%2",
		    CACHE_TICKET, 3, 0, false },
		{ "\"ticketBody\":\"one\",\"refresh\":true,\"seen\":%3",
		    CACHE_TICKET, 0, 0, false },
		{ "\"ticketBody\":\"two\",\"refresh\":true,\"seen\":%2",
		    CACHE_BODY, 0, 0, false },
		{ "\"ticketBody\":\"two\",\"refresh\":true,\"seen\":%1",
		    CACHE_BODY, 2, 0, false },
		{ "\"ticketBody\":\"two\",\"session\":%2", CACHE_TICKET, 2, 0,
		    false },
		{ "\"ticketBody\":\"two\",\"session\":999999", CACHE_TICKET,
		    0, FAILURE_INTERRUPTED, false },
		{ "\"ticketBody\":\"\"", CACHE_TICKET, 0, FAILURE_BAD_REQUEST,
		    false },
		{ "\"type\":\"ping\"", CACHE_TICKET, 0, FAILURE_BAD_REQUEST,
		    false },
		{ "\"type\":\"stop\"", CACHE_TICKET, 0, 0, false },
	};
	const char	*texts[] = { "one", "two", "one" };
	char		 line[256], number[24];
	struct buf	 frames = BUF_INIT(10000);
	struct verdict	 v;
	int64_t		 id[4] = { 0 };
	size_t		 i;
	char		*p;

	for (i = 0; i < 3; i++) {
		id[i + 1] = t_ask(store, 5, texts[i]);
		check_int(t_answer(store, id[i + 1], "the answer"),
		    FAILURE_NONE);
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu: %s", i, rows[i].line);
		(void)snprintf(line, sizeof(line), "{\"ticket\":5,%s}",
		    rows[i].line);
		if ((p = strchr(line, '%')) != NULL) {
			(void)snprintf(number, sizeof(number), "%lld}",
			    (long long)id[p[1] - '0']);
			(void)snprintf(p, 24, "%s", number);
		}
		settings.number[SETTING_CACHE] = rows[i].cache;
		buf_clear(&frames);
		ask(line, &frames, &v);
		check_int(v.failure.code, rows[i].code);
		check_int(v.session, id[rows[i].version]);
		check_int(frames.len != 0, rows[i].version != 0);
		if (frames.len != 0)
			check_int(strstr(frames.data, "\"bodyChanged\":true")
			    != NULL, rows[i].changed);
		check_str(v.call, "");
	}
	buf_free(&frames);
}

/* With the same tickets. */
static void
tells_what_is_there(void)
{
	struct buf	frames = BUF_INIT(10000);
	struct verdict	v;

	row("nothing serves: what it takes to begin");
	ask("{\"ticket\":6,\"ticketBody\":\"one\"}", &frames, &v);
	check_int(v.newest, 0);
	check_int(strlen(v.identity), STORE_IDENTITY);
	check_int(strlen(v.text_hash), TEXT_HASH);
	row("the newest one is told where none serves");
	ask("{\"ticket\":5,\"ticketBody\":\"one\",\"refresh\":true}", &frames,
	    &v);
	check_int(v.newest, t_newest(store, 5));
	row("and not where it was not looked for");
	ask("{\"ticket\":5,\"ticketBody\":\"one\",\"version\":9}", &frames,
	    &v);
	check_int(v.newest, SEEN_UNKNOWN);
	buf_free(&frames);
}

static void
begins(void)
{
	static const char	ana[] = "{\"ticket\":7,\"ticketBody\":\"a\","
				    "\"begin\":true,\"charge\":true,"
				    "\"user\":\"user:ana\"}";
	static const char	bob[] = "{\"ticket\":7,\"ticketBody\":\"a\","
				    "\"begin\":true,\"charge\":true,"
				    "\"user\":\"ip:1.2.3.4\"}";
	static const char	again[] = "{\"ticket\":7,\"ticketBody\":\"a\","
				    "\"begin\":true,\"user\":\"user:ana\"}";
	static const char	nobody[] = "{\"ticket\":7,\"ticketBody\":"
				    "\"a\",\"begin\":true,\"charge\":true}";
	struct buf		frames = BUF_INIT(10000);
	struct verdict		v;
	char			hash[TEXT_HASH + 1];
	int			i;

	settings.number[SETTING_CACHE] = CACHE_TICKET;
	settings.text[SETTING_RATE_LIMIT] = "2/day";
	for (i = 0; i < 2; i++) {
		ask(ana, &frames, &v);
		check_int(v.failure.code, FAILURE_NONE);
	}
	check_int(strlen(v.user_hash), TEXT_HASH);
	memcpy(hash, v.user_hash, sizeof(hash));
	ask(ana, &frames, &v);
	check_int(v.failure.code, FAILURE_RATE_LIMITED);
	check(v.failure.retry_after > 40000 && v.failure.retry_after <= 43200);
	check_str(v.call, "");
	row("once a question");
	ask(again, &frames, &v);
	check_int(v.failure.code, FAILURE_NONE);
	check_str(v.user_hash, hash);
	row("each user by itself");
	ask(bob, &frames, &v);
	check_int(v.failure.code, FAILURE_NONE);
	check(strcmp(v.user_hash, hash) != 0);
	row("a look costs nothing");
	for (i = 0; i < 3; i++) {
		ask("{\"ticket\":7,\"ticketBody\":\"a\",\"user\":"
		    "\"ip:1.2.3.4\",\"charge\":true}", &frames, &v);
		check_int(v.failure.code, FAILURE_NONE);
	}
	ask(bob, &frames, &v);
	check_int(v.failure.code, FAILURE_NONE);
	row("nobody pays at a shell");
	for (i = 0; i < 3; i++) {
		ask(nobody, &frames, &v);
		check_int(v.failure.code, FAILURE_NONE);
		check_str(v.user_hash, "");
	}
	row("off");
	settings.text[SETTING_RATE_LIMIT] = "off";
	ask(ana, &frames, &v);
	check_int(v.failure.code, FAILURE_NONE);
	row("a ticket that must be there is not, and nobody pays for it");
	settings.text[SETTING_RATE_LIMIT] = "1/day";
	settings.number[SETTING_TICKETS] = TICKETS_EXISTING;
	for (i = 0; i < 2; i++) {
		ask(bob, &frames, &v);
		check_int(v.failure.code, FAILURE_UNKNOWN_TICKET);
		check_str(v.failure.detail, "7");
	}
	settings.number[SETTING_TICKETS] = TICKETS_AUTO;
	if (*t_server == '\0') {
		row("no directory for the limits");
		settings.text[SETTING_RUN_DIR] = "nothere";
		ask(bob, &frames, &v);
		check_int(v.failure.code, FAILURE_STORAGE);
		check_str(v.call, "rate");
		check(*v.error != '\0');
		settings.text[SETTING_RUN_DIR] = ".";
	}
	check_int(frames.len, 0);
	buf_free(&frames);
}

/* A question is written and read back, whatever its text is. */
static void
writes_questions(void)
{
	static const char	*texts[] = {
		"a", "\"\\\n\t", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		"a\x7f\xc2\x80", "{\"ticket\":1}",
	};
	enum { KINDS = QUERY_STOP + 1 };
	struct buf		line = BUF_INIT(20000);
	char			user[ADMISSION_WHO];
	struct request		r = { .language = LANGUAGE_ES }, got;
	struct query		q = { .ticket = 42, .request = &r,
				    .user = "user:\xc3\xa1na \"x\"" }, back;
	size_t			i, kind;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]) * KINDS; i++) {
		kind = i % KINDS;
		row("%zu", i);
		r.body = (struct buf)BUF_INIT(1000);
		check_int(buf_puts(&r.body, texts[i / KINDS]), 0);
		r.type = kind == QUERY_RATE ? REQUEST_RATE : REQUEST_ASK;
		r.session = kind == QUERY_RATE ? (int64_t)i : 0;
		r.good = i % 2 == 1;
		r.reason = i % 10 < 5 ? "" : "unsafe";
		q.kind = (enum query_kind)kind;
		/* 0: no generation has named its session */
		q.session = kind == QUERY_TURNS || kind == QUERY_SOURCES ||
		    (kind == QUERY_SESSION && i % 8 < 4) ? 17 : 0;
		q.after = (int64_t)i;
		q.charge = i % 3 == 0;
		r.refresh = i % 2 == 0 && kind != QUERY_RATE;
		r.seen = r.refresh && i % 4 == 0 ? INT64_MAX : SEEN_UNKNOWN;
		r.version = i % 5 == 0 ? 3 : 0;
		r.tickets = i % 7 < 3;
		buf_clear(&line);
		check_int(query_write(&line, &q), 0);
		check(strchr(line.data, '\n') == line.data + line.len - 1);
		query_read(&back, &got, user, sizeof(user), line.data,
		    line.len, 1000);
		check_int(got.failure.code, FAILURE_NONE);
		check_int(back.kind, q.kind);
		check_int(back.ticket, 42);
		if (kind == QUERY_TURNS) {
			check_int(back.session, q.session);
			check_int(back.after, q.after);
		} else if (kind == QUERY_SOURCES) {
			check_int(back.session, q.session);
			check_int(got.tickets, r.tickets);
		} else if (kind != QUERY_STOP) {
			check_str(got.body.data, texts[i / KINDS]);
			check_int(got.type, r.type);
			check_int(got.language, LANGUAGE_ES);
			check_int(got.refresh, r.refresh);
			check_int(got.seen, r.seen);
			check_int(got.version, r.version);
			check_int(back.session, kind == QUERY_RATE ?
			    r.session : q.session);
		}
		if (kind == QUERY_RATE) {
			check_str(back.user, q.user);
			check_int(got.good, r.good);
			check_str(got.reason, r.reason);
			check_int(got.session, r.session);
		}
		if (kind == QUERY_BEGIN) {
			check_str(back.user, q.user);
			check_int(back.charge, q.charge);
		}
		request_free(&got);
		buf_free(&r.body);
	}
	buf_free(&line);
}

/* A question, with and without what names its answer. */
static void
asks_questions(void)
{
	static const enum query_kind	kinds[] = { QUERY_LOOK, QUERY_BEGIN,
					    QUERY_SESSION };
	struct buf	line = BUF_INIT(20000);
	char		user[ADMISSION_WHO];
	struct request	r = { .type = REQUEST_QUESTION, .sessions = true,
			    .seen = SEEN_UNKNOWN }, got;
	struct query	q = { .ticket = 42, .request = &r,
			    .user = "user:ana \"x\"" }, back;
	size_t		i;

	r.body = (struct buf)BUF_INIT(100);
	check_int(buf_puts(&r.body, " why\t\"so\"?\n"), 0);
	for (i = 0; i < 12; i++) {
		row("%zu", i);
		q.kind = kinds[i % 3];
		q.session = q.kind == QUERY_SESSION ? 9 : 0;
		q.charge = i % 2 == 0;
		r.session = i / 3 % 2 == 0 ? 0 : 7;
		r.version = i / 6 == 0 ? 0 : 3;
		buf_clear(&line);
		check_int(query_write(&line, &q), 0);
		query_read(&back, &got, user, sizeof(user), line.data,
		    line.len, 5);
		check_int(got.failure.code, FAILURE_NONE);
		check_int(got.type, REQUEST_QUESTION);
		check_int(back.kind, q.kind);
		check_int(back.session, q.session);
		check_int(got.session, r.session);
		check_int(got.version, r.version);
		check(got.sessions);
		check_str(got.body.data, r.body.data);
		if (q.kind != QUERY_SESSION)
			check_str(back.user, q.user);
		request_free(&got);
	}
	buf_free(&r.body);
	buf_free(&line);
}

/* A user's own answer, without and with the claim. */
static void
writes_answers(void)
{
	struct buf	line = BUF_INIT(20000);
	char		user[ADMISSION_WHO];
	struct request	r = { .type = REQUEST_WRITE, .seen = SEEN_UNKNOWN },
			got;
	struct query	q = { .ticket = 42, .request = &r,
			    .user = "user:ana \"x\"" }, back;
	size_t		i;

	r.body = (struct buf)BUF_INIT(2000);
	for (i = 0; i < 1500; i++)
		check_int(buf_puts(&r.body, i % 2 == 0 ? "\"" : "\n"), 0);
	for (i = 0; i < 8; i++) {
		row("%zu", i);
		q.kind = i % 2 == 0 ? QUERY_LOOK : QUERY_BEGIN;
		r.session = i % 4 < 2 ? 7 : 0;
		r.version = i < 4 ? 3 : 0;
		buf_clear(&line);
		check_int(query_write(&line, &q), 0);
		/* Longer than what a ticket's text may have. */
		query_read(&back, &got, user, sizeof(user), line.data,
		    line.len, 1000);
		check_int(got.failure.code, FAILURE_NONE);
		check_int(got.type, REQUEST_WRITE);
		check_int(back.kind, q.kind);
		check_int(got.session, r.session);
		check_int(got.version, r.version);
		check_str(back.user, q.user);
		check_mem(got.body.data, got.body.len, r.body.data,
		    r.body.len);
		request_free(&got);
	}
	buf_free(&r.body);
	buf_free(&line);
}

/* What the database says about a user's own answer. */
static void
replaces(void)
{
	static const char	words[] = "\"response\":\"mine\"";
	char			line[256];
	struct buf		frames = BUF_INIT(10000);
	struct verdict		v, back;
	struct buf		told = BUF_INIT(10000);
	int64_t			first, mine;

	(void)snprintf(line, sizeof(line), "{\"ticket\":77,\"type\":"
	    "\"write\",%s,\"begin\":true}", words);
	ask(line, &frames, &v);
	check_int(v.failure.code, FAILURE_NO_ANSWER);
	first = t_ask(store, 77, "the text");
	check_int(t_answer(store, first, "the answer"), FAILURE_NONE);
	/* Without the claim nothing is saved. */
	ask("{\"ticket\":77,\"type\":\"write\",\"response\":\"mine\"}",
	    &frames, &v);
	check_int(v.failure.code, FAILURE_NONE);
	check_int(v.session, 0);
	check(v.identity[0] != '\0');
	check_int(frames.len, 0);
	ask(line, &frames, &v);
	check_int(v.failure.code, FAILURE_NONE);
	mine = v.session;
	check(mine > first && strstr(frames.data, "\"versions\":2") != NULL);
	buf_clear(&frames);
	(void)snprintf(line, sizeof(line), "{\"ticket\":77,\"type\":"
	    "\"write\",\"response\":\"other\",\"begin\":true,"
	    "\"session\":%lld}", (long long)first);
	ask(line, &frames, &v);
	check_int(v.failure.code, FAILURE_ANSWER_CHANGED);
	check_int(v.failure.session, mine);
	check_int(v.failure.version, 2);
	check_int(v.session, 0);
	check_int(frames.len, 0);
	/* And so it reaches the client. */
	check_int(verdict_write(&told, &v), 0);
	check(verdict_read(&back, told.data, told.len - 1));
	check_int(back.failure.session, mine);
	check_int(back.failure.version, 2);
	buf_clear(&told);
	check_int(frame_error(&told, &back.failure, LANGUAGE_EN), 0);
	(void)snprintf(line, sizeof(line), "\"session\":%lld,\"version\":2}",
	    (long long)mine);
	check(strstr(told.data, line) != NULL);
	buf_free(&told);
	buf_free(&frames);
}

static void
refuses_questions(void)
{
	static const struct {
		const char		*line;
		enum failure_code	 code;
	} rows[] = {
		{ "", FAILURE_BAD_JSON }, { "{", FAILURE_BAD_JSON },
		{ "[]", FAILURE_BAD_JSON },
		{ "{\"ticketBody\":\"a\"}", FAILURE_BAD_TICKET_ID },
		{ "{\"ticket\":0,\"ticketBody\":\"a\"}",
		    FAILURE_BAD_TICKET_ID },
		{ "{\"ticket\":-1,\"type\":\"stop\"}", FAILURE_BAD_TICKET_ID },
		{ "{\"ticket\":\"1\",\"ticketBody\":\"a\"}",
		    FAILURE_BAD_TICKET_ID },
		{ "{\"ticket\":1}", FAILURE_BAD_REQUEST },
		{ "{\"ticket\":1,\"ticketBody\":\"a\",\"user\":7}",
		    FAILURE_BAD_REQUEST },
	};
	struct buf	frames = BUF_INIT(100);
	struct verdict	v;
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].line);
		ask(rows[i].line, &frames, &v);
		check_int(v.failure.code, rows[i].code);
	}
}

static void
writes_verdicts(void)
{
	struct verdict	v = { .session = INT64_MAX, .newest = 0,
			    .heard = true }, back;
	struct buf	line = BUF_INIT(10000);
	size_t		i;

	v.failure = failure_make(FAILURE_RATE_LIMITED, "d\xc3\xa9tail");
	v.failure.retry_after = 40;
	(void)snprintf(v.call, sizeof(v.call), "store");
	memset(v.identity, 'a', STORE_IDENTITY);
	memset(v.text_hash, 'b', TEXT_HASH);
	memset(v.user_hash, 'c', TEXT_HASH);
	/* A text that was cut within a character can be read. */
	for (i = sizeof(v.error) - 4; i < sizeof(v.error); i++) {
		row("%zu", i);
		memset(v.error, 0, sizeof(v.error));
		memset(v.error, 'e', i);
		v.error[i - 1] = '\xc3';
		buf_clear(&line);
		check_int(verdict_write(&line, &v), 0);
		check(verdict_read(&back, line.data, line.len));
		check_int(strncmp(back.error, v.error, i - 1), 0);
	}
	v.error[i - 2] = 'e';
	check_int(back.session, v.session);
	check_int(back.newest, 0);
	check_int(back.heard, true);
	check_int(back.failure.code, FAILURE_RATE_LIMITED);
	check_int(back.failure.retry_after, 40);
	check_str(back.failure.detail, v.failure.detail);
	check_str(back.call, v.call);
	check_str(back.identity, v.identity);
	check_str(back.text_hash, v.text_hash);
	check_str(back.user_hash, v.user_hash);
	row("nothing");
	memset(&v, 0, sizeof(v));
	v.newest = SEEN_UNKNOWN;
	buf_clear(&line);
	check_int(verdict_write(&line, &v), 0);
	check_str(line.data, "{\"type\":\"verdict\"}\n");
	check(verdict_read(&back, line.data, line.len));
	check_int(back.newest, SEEN_UNKNOWN);
	check_int(back.failure.code, FAILURE_NONE);
	buf_free(&line);
}

/* What the program may have printed when it ended or was killed. */
static void
reads_what_is_whole(void)
{
	static const struct {
		const char		*printed;
		enum failure_code	 code;
		int64_t			 session;
		const char		*frames;
	} rows[] = {
		{ "{\"type\":\"cached\"}\\n{\"type\":\"verdict\",\"session\":"
		    "17}\\n", FAILURE_NONE, 17, "{\"type\":\"cached\"}\n" },
		{ "{\"type\":\"verdict\",\"newest\":0}\\n", FAILURE_NONE, 0,
		    "" },
		{ "{\"type\":\"verdict\",\"code\":\"schema\"}\\n",
		    FAILURE_SCHEMA, 0, "" },
		{ "", FAILURE_STORAGE, 0, "" },
		{ "{\"type\":\"verdict\"}", FAILURE_STORAGE, 0, "" },
		{ "{\"type\":\"cached\"}\\n", FAILURE_STORAGE, 0, "" },
		{ "{\"type\":\"cached\"}\\n{\"type\":\"verdict\",\"sess",
		    FAILURE_STORAGE, 0, "" },
		{ "{\"type\":\"verdict\",\"session\":17}\\n",
		    FAILURE_STORAGE, 0, "" },
		{ "{\"type\":\"cached\"}\\n{\"type\":\"verdict\"}\\n",
		    FAILURE_STORAGE, 0, "" },
		{ "error: libpq.so.5\\n", FAILURE_STORAGE, 0, "" },
	};
	char		script[512], sh[] = "/bin/sh", option[] = "-c";
	char		*argv[] = { sh, option, script, NULL };
	char		*env[] = { NULL };
	struct buf	frames = BUF_INIT(10000);
	struct asking	a = ASKING_NONE;
	struct verdict	v;
	size_t		i;

	a.child.out.cap = 1000;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].printed);
		(void)snprintf(script, sizeof(script), "printf '%s'",
		    rows[i].printed);
		buf_clear(&frames);
		check_int(child_start(&a.child, argv, env, "", 0, 20000), 0);
		while (!query_heard(&a, 0, &frames, &v))
			(void)usleep(1000);
		check_int(v.failure.code, rows[i].code);
		check_int(v.session, rows[i].session);
		check_str(frames.data == NULL ? "" : frames.data,
		    rows[i].frames);
		check_int(*v.call != '\0', rows[i].code == FAILURE_STORAGE);
		check_int(a.child.fd, -1);
	}
	row("late");
	(void)snprintf(script, sizeof(script), "sleep 20");
	check_int(child_start(&a.child, argv, env, "", 0, 20000), 0);
	check_int(query_heard(&a, a.child.deadline - 1, &frames, &v), false);
	check_int(query_heard(&a, a.child.deadline, &frames, &v), true);
	check_int(v.failure.code, FAILURE_STORAGE);
	check_int(v.newest, SEEN_UNKNOWN);
	buf_free(&frames);
}

/* What the frame of an answer's sources says, and what it never says. */
static void
shows_sources(void)
{
	static const struct store_source	given[] = {
		{ 1, 5, "notes/a.md", "The \"printer\"", "https://wiki/1", 0,
		    "SECRET", true },
		{ 2, 6, "Ticket 17", "Ticket 17", "", 17, "SECRET", false },
		{ 10, 0, "x", "x", "javascript:alert(1)", 0, "SECRET", false },
	};
	struct buf	frames = BUF_INIT(10000);
	struct verdict	v;
	char		line[200];
	int64_t		with, without;

	/* A source is kept only while its ticket has an answer. */
	without = t_ask(store, 17, "jam");
	check_int(t_answer(store, without, "Open it."), FAILURE_NONE);
	with = t_ask(store, 88, "jam");
	t_sources = given;
	t_source_count = 3;
	check_int(t_answer(store, with, "Open it [1]."), FAILURE_NONE);
	t_source_count = 0;
	without = t_ask(store, 89, "jam");
	check_int(t_answer(store, without, "Open it [1]."), FAILURE_NONE);
	(void)snprintf(line, sizeof(line), "{\"ticket\":88,\"type\":\"open\","
	    "\"sourcesOf\":%lld,\"tickets\":true}", (long long)with);
	ask(line, &frames, &v);
	check_int(v.failure.code, FAILURE_NONE);
	check_int(v.session, with);
	check_str(frames.data, "{\"type\":\"sources\",\"sources\":["
	    "{\"n\":1,\"title\":\"The \\\"printer\\\"\",\"url\":"
	    "\"https://wiki/1\",\"cited\":true},"
	    "{\"n\":2,\"title\":\"Ticket 17\",\"ticket\":17,\"cited\":"
	    "false},{\"n\":10,\"title\":\"x\",\"cited\":false}]}\n");
	row("not for whoever may see one ticket only");
	(void)snprintf(line, sizeof(line), "{\"ticket\":88,\"type\":\"open\","
	    "\"sourcesOf\":%lld}", (long long)with);
	buf_clear(&frames);
	ask(line, &frames, &v);
	check(strstr(frames.data, "\"ticket\"") == NULL);
	check(strstr(frames.data, "\"n\":2") != NULL);
	row("none");
	(void)snprintf(line, sizeof(line), "{\"ticket\":89,\"type\":\"open\","
	    "\"sourcesOf\":%lld}", (long long)without);
	buf_clear(&frames);
	ask(line, &frames, &v);
	check_int(v.session, without);
	check_str(frames.data, "{\"type\":\"sources\",\"sources\":[]}\n");
	buf_free(&frames);
}

int
main(void)
{
	t_store_begin();
	store = t_make("query");
	settings.text[SETTING_DATABASE] = t_database("query");
	settings.text[SETTING_RUN_DIR] = ".";
	settings.text[SETTING_RATE_LIMIT] = "off";
	settings.text[SETTING_DONE_COMMAND] = "";
	run(decides);
	run(tells_what_is_there);
	run(begins);
	run(writes_questions);
	run(writes_answers);
	run(asks_questions);
	run(replaces);
	run(refuses_questions);
	run(shows_sources);
	run(writes_verdicts);
	run(reads_what_is_whole);
	store_close(store);
	return t_end();
}
