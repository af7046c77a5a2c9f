/*
 * lib/store/record: lines of an export, valid and invalid.  The single fields
 * are in tests/cases/transfer.bats.
 */
#include "base/limit.h"
#include "store/record.h"
#include "t.h"

#define COST	"\"model\":\"m\",\"reason\":\"stop\",\"prompt_tokens\":1," \
	"\"answer_tokens\":2,\"queued_ms\":3,\"first_token_ms\":4," \
	"\"total_ms\":5,\"load_ms\":6,\"prompt_ms\":7," \
	"\"answer_ms\":9223372036854775807}"
#define NO_COST	"\"model\":null,\"reason\":null,\"prompt_tokens\":null," \
	"\"answer_tokens\":null,\"queued_ms\":null,\"first_token_ms\":null," \
	"\"total_ms\":null,\"load_ms\":null,\"prompt_ms\":null," \
	"\"answer_ms\":null}"
#define SESSION	"{\"ticket\":9223372036854775807," \
	"\"ticket_created\":\"2026-11-23T12:18:14.398Z\",\"session\":7," \
	"\"created\":\"2026-11-23T12:18:14Z\",\"answered\":null," \
	"\"prompt\":\"a\\u0000b\\ud83d\\ude00\",\"response\":\"\","

static struct record	r;
static char		why[128];

static int
read_line(const char *line)
{
	why[0] = '\0';
	return record_read(&r, line, strlen(line), why, sizeof(why));
}

static void
whole(void)
{
	if (!check_int(read_line(SESSION COST), 0))
		return;
	check_int(r.value[RECORD_TICKET].number, INT64_MAX);
	check_int(r.value[RECORD_SESSION].number, 7);
	check_str(r.value[RECORD_CREATED].text.data, "2026-11-23T12:18:14Z");
	check(r.value[RECORD_ANSWERED].null);
	check_mem(r.value[RECORD_PROMPT].text.data,
	    r.value[RECORD_PROMPT].text.len, "a\0b\xf0\x9f\x98\x80", 7);
	check(!r.value[RECORD_RESPONSE].null);
	check_int(r.value[RECORD_RESPONSE].text.len, 0);
	check_int(r.value[RECORD_ANSWER_MS].number, INT64_MAX);
	/* The next record keeps nothing of the last one. */
	check_int(read_line(SESSION NO_COST), 0);
	check(r.value[RECORD_MODEL].null);
	check(r.value[RECORD_ANSWER_MS].null);
	check_int(read_line("{\"ticket\":1,\"ticket_created\":null,\"session\":"
	    "null,\"created\":null,\"answered\":null,\"prompt\":null,"
	    "\"response\":null," NO_COST), 0);
	check(r.value[RECORD_SESSION].null);
}

static void
broken(void)
{
	check_int(read_line(""), -1);
	check_int(read_line("null"), -1);
	check_int(read_line("{}"), -1);
	check_str(why, "ticket is missing");
	check_int(read_line(SESSION "\"x\":1," COST), -1);
	check_str(why, "it has an unknown field");
	check_int(read_line(SESSION "\"model\":\"m\"," COST), -1);
	check_str(why, "model is there twice");
	check_int(read_line(SESSION COST "x"), -1);
	check_int(read_line("[" SESSION COST "]"), -1);
}

/* Fields that older versions do not write. */
static void
optional(void)
{
	static const struct {
		const char	*more, *why;	/* "": it is good */
	} rows[] = {
		{ "\"follows\":6,", "" }, { "\"follows\":null,", "" },
		{ "\"instruction\":\"a\\nb\",\"author\":\"\",", "" },
		{ "\"model_text\":\"x\",\"prompt_hash\":\"01\",", "" },
		{ "\"asked_by\":\"ana\",\"server\":\"gpu1\",", "" },
		{ "\"follows\":7,", "follows is invalid" },
		{ "\"follows\":8,", "follows is invalid" },
		{ "\"follows\":0,", "follows is invalid" },
		{ "\"follows\":-1,", "follows is invalid" },
		{ "\"follows\":\"6\",", "follows is invalid" },
		{ "\"follows\":6,\"follows\":6,", "follows is there twice" },
		{ "\"author\":7,", "author is invalid" },
		{ "\"author\":\"a\",\"authors\":\"b\",",
		    "it has an unknown field" },
	};
	char	line[2000];
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].more);
		(void)snprintf(line, sizeof(line), "%s%s%s", SESSION,
		    rows[i].more, COST);
		check_int(read_line(line), *rows[i].why == '\0' ? 0 : -1);
		check_str(why, rows[i].why);
	}
	check_int(read_line(SESSION "\"follows\":6,\"author\":\"ana\","
	    COST), 0);
	check_int(r.value[RECORD_FOLLOWS].number, 6);
	check_str(r.value[RECORD_AUTHOR].text.data, "ana");
	check(r.value[RECORD_INSTRUCTION].null);
	/* The next line has nothing of it. */
	check_int(read_line(SESSION COST), 0);
	check(r.value[RECORD_FOLLOWS].null && r.value[RECORD_AUTHOR].null);
	/* Without a cost nobody has asked, and without a session nothing is. */
	check_int(read_line(SESSION "\"server\":\"x\"," NO_COST), -1);
	check_str(why, "server is invalid");
	check_int(read_line(SESSION "\"author\":\"x\"," NO_COST), 0);
	check_int(read_line("{\"ticket\":1,\"ticket_created\":null,\"session\":"
	    "null,\"created\":null,\"answered\":null,\"prompt\":null,"
	    "\"response\":null,\"author\":\"x\"," NO_COST), -1);
	check_str(why, "author without a session");
}

/* A line that holds what a user thinks of an answer. */
static void
ratings(void)
{
	static const struct {
		const char	*line, *why;	/* NULL: it is good */
	} rows[] = {
#define RATING(user, good, more) "{\"ticket\":1,\"rates\":7,\"user\":" user \
	",\"good\":" good ",\"why\":null,\"comment\":\"a\\nb\"," more \
	"\"rated\":\"2026-11-23T12:18:14Z\"}"
		{ RATING("\"ana\"", "1", ""), NULL },
		{ RATING("\"ana\"", "0", ""), NULL },
		{ RATING("\"ana\"", "2", ""), "good is invalid" },
		{ RATING("\"ana\"", "-1", ""), "good is invalid" },
		{ RATING("\"ana\"", "true", ""), "good is invalid" },
		{ RATING("\"ana\"", "null", ""), "good is invalid" },
		{ RATING("null", "1", ""), "user is invalid" },
		{ RATING("7", "1", ""), "user is invalid" },
		{ RATING("\"ana\"", "1", "\"session\":7,"),
		    "it has an unknown field" },
		{ RATING("\"ana\"", "1", "\"rates\":7,"),
		    "rates is there twice" },
		{ "{\"ticket\":1,\"rates\":7}", "user is missing" },
		{ "{\"rates\":7}", "ticket is missing" },
		{ "{\"ticket\":1,\"rates\":0,\"user\":\"a\",\"good\":1,"
		    "\"why\":null,\"comment\":null,\"rated\":"
		    "\"2026-11-23T12:18:14Z\"}", "rates is invalid" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].line);
		check_int(read_line(rows[i].line), rows[i].why == NULL ? 0 :
		    -1);
		check_str(why, rows[i].why == NULL ? "" : rows[i].why);
	}
	check_int(read_line(rows[0].line), 0);
	check_int(r.value[RECORD_RATES].number, 7);
	check_int(r.value[RECORD_GOOD].number, 1);
	check_str(r.value[RECORD_COMMENT].text.data, "a\nb");
	check(r.value[RECORD_WHY].null && r.value[RECORD_SESSION].null);
	/* The next line has nothing of it. */
	check_int(read_line(SESSION COST), 0);
	check(r.value[RECORD_RATES].null && r.value[RECORD_USER].null);
}

/* A line that holds a note that an answer was given. */
static void
sources(void)
{
	static const struct {
		const char	*line, *why;	/* NULL: it is good */
	} rows[] = {
#define SOURCE(n, title, url, more) "{\"ticket\":1,\"given\":7,\"n\":" n \
	",\"name\":\"a.md\",\"title\":" title ",\"url\":" url "," more \
	"\"note\":\"a\\nb\",\"cited\":1}"
#define FROM(n) "\"from_ticket\":" n ","
		{ SOURCE("1", "\"A\"", "\"https://w/\"", FROM("17")), NULL },
		{ SOURCE("10", "\"A\"", "null", FROM("null")), NULL },
		{ SOURCE("0", "\"A\"", "null", FROM("null")), "n is invalid" },
		{ SOURCE("11", "\"A\"", "null", FROM("null")), "n is invalid" },
		{ SOURCE("1", "\"\"", "null", FROM("null")),
		    "title is invalid" },
		{ SOURCE("1", "\"a\\nb\"", "null", FROM("null")),
		    "title is invalid" },
		{ SOURCE("1", "null", "null", FROM("null")),
		    "title is invalid" },
		{ SOURCE("1", "\"A\"", "\"\"", FROM("null")),
		    "url is invalid" },
		{ SOURCE("1", "\"A\"", "\"javascript:x\"", FROM("null")),
		    "url is invalid" },
		{ SOURCE("1", "\"A\"", "null", FROM("0")),
		    "from_ticket is invalid" },
		{ SOURCE("1", "\"A\"", "null", ""), "from_ticket is missing" },
		{ SOURCE("1", "\"A\"", "null", FROM("null")
		    "\"passage\":1,"), "it has an unknown field" },
		{ SOURCE("1", "\"A\"", "null", FROM("null")
		    "\"rates\":7,"), "user is missing" },
		{ SOURCE("1", "\"A\"", "null", FROM("null")
		    "\"session\":7,"), "it has an unknown field" },
		{ "{\"ticket\":1,\"given\":7}", "n is missing" },
	};
	char	line[1000], title[TITLE_MAX + 4];
	size_t	i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].line);
		check_int(read_line(rows[i].line), rows[i].why == NULL ? 0 :
		    -1);
		check_str(why, rows[i].why == NULL ? "" : rows[i].why);
	}
	check_int(read_line(rows[0].line), 0);
	check_int(r.value[RECORD_GIVEN].number, 7);
	check_int(r.value[RECORD_FROM_TICKET].number, 17);
	check_str(r.value[RECORD_NOTE].text.data, "a\nb");
	check(r.value[RECORD_SESSION].null && r.value[RECORD_RATES].null);
	row("the length of a title");
	for (k = 0; k < 2; k++) {
		memset(title, 'a', TITLE_MAX + k);
		title[TITLE_MAX + k] = '\0';
		(void)snprintf(line, sizeof(line), SOURCE("1", "\"%s\"",
		    "null", FROM("null")), title);
		check_int(read_line(line), k == 0 ? 0 : -1);
	}
	check_int(read_line(SESSION COST), 0);
	check(r.value[RECORD_GIVEN].null && r.value[RECORD_TITLE].null);
}

static void
times(void)
{
	static const struct {
		const char	*text;
		bool		 good;
	} t[] = {
		{ "2026-11-23T12:18:14Z", true },
		{ "2026-11-23T12:18:14.3Z", true },
		{ "2026-11-23T12:18:14.398123456Z", true },
		{ "2026-11-23T12:18:14.3981234567Z", false },
		{ "2026-11-23T12:18:14.Z", false },
		{ "2026-11-23T12:18:14.3xZ", false },
		{ "2026-11-23T12:18:14", false },
		{ "2026-11-23T12:18:14z", false },
		{ "2026-11-23 12:18:14Z", false },
		{ "2026-11-23T12:18Z", false },
		{ "Z", false },
		{ "", false },
	};
	size_t	i;

	check_int(read_line(SESSION COST), 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		row("%s", t[i].text);
		check_int(record_set(&r, RECORD_CREATED, t[i].text,
		    strlen(t[i].text)), 0);
		check_int(record_check(&r, why, sizeof(why)),
		    t[i].good ? 0 : -1);
	}
	check_int(record_set(&r, RECORD_CREATED, "2026-11-23T12:18:14Z", 20),
	    0);
	check_int(record_set(&r, RECORD_PROMPT, "\xff", 1), 0);
	check_int(record_check(&r, why, sizeof(why)), -1);
	check_str(why, "prompt is invalid");
}

int
main(void)
{
	t_begin();
	run(whole);
	run(broken);
	run(optional);
	run(ratings);
	run(sources);
	run(times);
	record_free(&r);
	return t_end();
}
