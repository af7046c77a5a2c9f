/*
 * lib/request/request: a message, field by field: what is accepted, what is
 * refused with which code, and which field the refusal names.
 */
#include "base/limit.h"
#include "request/request.h"
#include "t.h"

enum { MAX = 20 };	/* of the body */

static const struct {
	const char		*text;
	enum request_type	 type;
	const char		*body;
	bool			 refresh, status;
	enum language		 language;
} taken[] = {
	{ "{\"ticketBody\":\"x\"}", REQUEST_ASK, "x", false, false,
	    LANGUAGE_PT },
	{ " {\"ticketBody\" : \"a\\n\\u00e1\" } \r", REQUEST_ASK,
	    "a\n\xc3\xa1", false, false, LANGUAGE_PT },
	{ "\xef\xbb\xbf{\"ticketBody\":\"x\"}", REQUEST_ASK, "x",
	    false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"refresh\":true,\"status\":true}",
	    REQUEST_ASK, "x", true, true, LANGUAGE_PT },
	{ "{\"status\":false,\"refresh\":false,\"ticketBody\":\"x\"}",
	    REQUEST_ASK, "x", false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"lang\":\"en-US\"}", REQUEST_ASK,
	    "x", false, false, LANGUAGE_EN },
	{ "{\"ticketBody\":\"x\",\"version\":7}", REQUEST_ASK, "x",
	    false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"lang\":\"de\"}", REQUEST_ASK, "x",
	    false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"lang\":\"\"}", REQUEST_ASK, "x",
	    false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"token\":\"t\"}", REQUEST_ASK, "x",
	    false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"other\":1,\"other\":[{}]}",
	    REQUEST_ASK, "x", false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"o\":{\"type\":\"stop\"}}",
	    REQUEST_ASK, "x", false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"TicketBody\":1,\"Type\":2}",
	    REQUEST_ASK, "x", false, false, LANGUAGE_PT },
	{ "{\"ticket\\u0042ody\":\"x\"}", REQUEST_ASK, "x", false,
	    false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"01234567890123456789\"}", REQUEST_ASK,
	    "01234567890123456789", false, false, LANGUAGE_PT },
	{ "{\"ticketBody\":\"\\u0030123456789012345678\\u0039\"}",
	    REQUEST_ASK, "01234567890123456789", false, false,
	    LANGUAGE_PT },
	{ "{\"type\":\"stop\"}", REQUEST_STOP, NULL, false, false,
	    LANGUAGE_PT },
	{ "{\"type\":\"open\",\"refresh\":true,\"ticketBody\":\"x\"}",
	    REQUEST_OPEN, NULL, true, false, LANGUAGE_PT },
	{ "{\"type\":\"write\",\"response\":"
	    "\"\\u0030123456789012345678901\"}", REQUEST_WRITE,
	    "0123456789012345678901", false, false, LANGUAGE_PT },
	{ "{\"type\":\"write\",\"response\":\"a\\n\",\"good\":7,"
	    "\"session\":null}", REQUEST_WRITE, "a\n", false, false,
	    LANGUAGE_PT },
	{ "{\"ticketBody\":\"x\",\"response\":7,\"session\":\"y\"}",
	    REQUEST_ASK, "x", false, false, LANGUAGE_PT },
	{ "{\"type\":\"ping\"}", REQUEST_PING, NULL, false, false,
	    LANGUAGE_PT },
	{ "{\"type\":\"pin\\u0067\",\"ticketBody\":\"x\"}",
	    REQUEST_PING, NULL, false, false, LANGUAGE_PT },
};

static void
takes(void)
{
	size_t	i;

	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct request	r;

		row("%s", taken[i].text);
		request_read(&r, taken[i].text, strlen(taken[i].text), MAX,
		    LANGUAGE_PT);
		check_int(r.failure.code, FAILURE_NONE);
		check_int(r.type, taken[i].type);
		if (taken[i].body != NULL)
			check_mem(r.body.data, r.body.len, taken[i].body,
			    strlen(taken[i].body));
		check_int(r.refresh, taken[i].refresh);
		check_int(r.status, taken[i].status);
		check_int(r.language, taken[i].language);
		check_int(r.seen, 0);
		check_int(r.version, strstr(taken[i].text, "version") == NULL ?
		    0 : 7);
		request_free(&r);
	}
}

static const struct {
	const char		*text;
	enum failure_code	 code;
	const char		*detail;
} refused[] = {
	{ "", FAILURE_BAD_JSON, "" }, { "x", FAILURE_BAD_JSON, "" },
	{ "{", FAILURE_BAD_JSON, "" }, { "[]", FAILURE_BAD_JSON, "" },
	{ "\"ticketBody\"", FAILURE_BAD_JSON, "" },
	{ "1", FAILURE_BAD_JSON, "" }, { "null", FAILURE_BAD_JSON, "" },
	{ "{\"ticketBody\":\"\xff\"}", FAILURE_BAD_JSON, "" },
	{ "{\"ticketBody\":\"x\",}", FAILURE_BAD_JSON, "" },
	{ "\xef\xbb\xbf\xef\xbb\xbf{}", FAILURE_BAD_JSON, "" },
	{ "\xef\xbb\xbf", FAILURE_BAD_JSON, "" },
	{ "{\"ticketBody\":\"a\\ud800\"}", FAILURE_BAD_JSON, "" },
	{ "{}", FAILURE_BAD_REQUEST, "ticketBody" },
	{ "{\"type\":\"stop\",\"type\":\"stop\"}",
	    FAILURE_BAD_REQUEST, "type" },
	{ "{\"type\":\"ask\"}", FAILURE_BAD_REQUEST, "type" },
	{ "{\"type\":1}", FAILURE_BAD_REQUEST, "type" },
	{ "{\"type\":\"Stop\"}", FAILURE_BAD_REQUEST, "type" },
	{ "{\"type\":\"stop\\u0000\"}", FAILURE_BAD_REQUEST, "type" },
	{ "{\"ticketBody\":1}", FAILURE_BAD_REQUEST, "ticketBody" },
	{ "{\"ticketBody\":null}", FAILURE_BAD_REQUEST, "ticketBody" },
	{ "{\"ticketBody\":[\"x\"]}", FAILURE_BAD_REQUEST,
	    "ticketBody" },
	{ "{\"ticketBody\":\"x\",\"ticketBody\":\"x\"}",
	    FAILURE_BAD_REQUEST, "ticketBody" },
	{ "{\"ticketBody\":\"x\",\"ticketBod\\u0079\":\"y\"}",
	    FAILURE_BAD_REQUEST, "ticketBody" },
	{ "{\"ticketBody\":\"\"}", FAILURE_BAD_REQUEST, "ticketBody" },
	{ "{\"ticketBody\":\" \\n\\u00a0\\ufeff\"}",
	    FAILURE_BAD_REQUEST, "ticketBody" },
	{ "{\"ticketBody\":\"a\\u0000b\"}", FAILURE_BAD_REQUEST,
	    "ticketBody" },
	{ "{\"ticketBody\":\"\\u0000\"}", FAILURE_BAD_REQUEST,
	    "ticketBody" },
	{ "{\"ticketBody\":\" \\u0000\\n\"}", FAILURE_BAD_REQUEST,
	    "ticketBody" },
	{ "{\"ticketBody\":\"\\ude00\\ud83d\"}", FAILURE_BAD_JSON, "" },
	{ "{\"ticketBody\":\"\\ud83dx\"}", FAILURE_BAD_JSON, "" },
	{ "{\"ticketBody\":\"x\",\"lang\":null,\"lang\":null}",
	    FAILURE_BAD_REQUEST, "lang" },
	{ "{\"ticketBody\":\"x\",\"refresh\":\"true\"}",
	    FAILURE_BAD_REQUEST, "refresh" },
	{ "{\"ticketBody\":\"x\",\"version\":0}",
	    FAILURE_BAD_REQUEST, "version" },
	{ "{\"ticketBody\":\"x\",\"version\":1.5}",
	    FAILURE_BAD_REQUEST, "version" },
	{ "{\"ticketBody\":\"x\",\"version\":9223372036854775808}",
	    FAILURE_BAD_REQUEST, "version" },
	{ "{\"ticketBody\":\"x\",\"status\":1}", FAILURE_BAD_REQUEST,
	    "status" },
	{ "{\"ticketBody\":\"x\",\"token\":1}", FAILURE_BAD_REQUEST,
	    "token" },
	{ "{\"ticketBody\":\"x\",\"lang\":false}",
	    FAILURE_BAD_REQUEST, "lang" },
	{ "{\"type\":\"ping\",\"ticketBody\":1}", FAILURE_BAD_REQUEST,
	    "ticketBody" },
	{ "{\"type\":\"stop\",\"status\":1}", FAILURE_BAD_REQUEST,
	    "status" },
	{ "{\"status\":1,\"type\":2}", FAILURE_BAD_REQUEST, "type" },
	{ "{\"type\":\"write\"}", FAILURE_BAD_REQUEST, "response" },
	{ "{\"type\":\"write\",\"response\":null}", FAILURE_BAD_REQUEST,
	    "response" },
	{ "{\"type\":\"write\",\"response\":[]}", FAILURE_BAD_REQUEST,
	    "response" },
	{ "{\"type\":\"write\",\"response\":\" \\u00a0\\n\"}",
	    FAILURE_BAD_REQUEST, "response" },
	{ "{\"type\":\"write\",\"response\":\"a\\u0000\"}",
	    FAILURE_BAD_REQUEST, "response" },
	{ "{\"type\":\"write\",\"response\":\"a\",\"respons\\u0065\":"
	    "\"b\"}", FAILURE_BAD_REQUEST, "response" },
	{ "{\"type\":\"write\",\"response\":\"a\",\"session\":0}",
	    FAILURE_BAD_REQUEST, "session" },
	{ "{\"type\":\"write\",\"response\":\"\\ud83d\"}",
	    FAILURE_BAD_JSON, "" },
	{ "{\"ticketBody\":\"012345678901234567890\"}",
	    FAILURE_TOO_LARGE, "20" },
	{ "{\"ticketBody\":\"0123456789012345678\\u00e1\"}",
	    FAILURE_TOO_LARGE, "20" },
};

static void
refuses(void)
{
	size_t	i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct request	r;

		row("%s", refused[i].text);
		request_read(&r, refused[i].text, strlen(refused[i].text), MAX,
		    LANGUAGE_EN);
		check_int(r.failure.code, refused[i].code);
		check_str(r.failure.detail, refused[i].detail);
		check_int(r.language, LANGUAGE_EN);
		request_free(&r);
	}
}

/* A refusal is in the language that the message names. */
static void
language(void)
{
	static const char	text[] = "{\"ticketBody\":1,\"lang\":\"en\"}";
	char			long_tag[LANG_MAX + 40];
	struct request		r;

	request_read(&r, text, sizeof(text) - 1, MAX, LANGUAGE_PT);
	check_int(r.failure.code, FAILURE_BAD_REQUEST);
	check_int(r.language, LANGUAGE_EN);
	request_free(&r);
	(void)snprintf(long_tag, sizeof(long_tag),
	    "{\"ticketBody\":\"x\",\"lang\":\"en,%0*d\"}", LANG_MAX, 0);
	request_read(&r, long_tag, strlen(long_tag), MAX, LANGUAGE_PT);
	check_int(r.failure.code, FAILURE_NONE);
	check_int(r.language, LANGUAGE_PT);
	request_free(&r);
}

static void
limits(void)
{
	char		text[2 * MESSAGE_TOKENS + 200];
	struct request	r;
	int		depth;
	size_t		n;

	for (depth = MESSAGE_DEPTH - 2; depth <= MESSAGE_DEPTH; depth++) {
		row("depth %d", depth + 1);
		n = (size_t)snprintf(text, sizeof(text),
		    "{\"ticketBody\":\"x\",\"a\":");
		memset(text + n, '[', (size_t)depth);
		memset(text + n + depth, ']', (size_t)depth);
		n += 2 * (size_t)depth;
		text[n++] = '}';
		request_read(&r, text, n, MAX, LANGUAGE_PT);
		check_int(r.failure.code, depth < MESSAGE_DEPTH ?
		    FAILURE_NONE : FAILURE_BAD_JSON);
		request_free(&r);
	}
	row("tokens");
	n = (size_t)snprintf(text, sizeof(text), "{\"a\":[");
	for (depth = 0; depth < MESSAGE_TOKENS; depth++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s1",
		    depth > 0 ? "," : "");
	(void)snprintf(text + n, sizeof(text) - n, "]}");
	request_read(&r, text, strlen(text), MAX, LANGUAGE_PT);
	check_int(r.failure.code, FAILURE_BAD_JSON);
	check_int(r.failure.cause, FAILURE_MANY_VALUES);
	check(strstr(failure_words(&r.failure, LANGUAGE_PT), "1024") != NULL);
	check(strstr(failure_words(&r.failure, LANGUAGE_EN), "1024") != NULL);
	request_free(&r);
}

/* A null counts as absent. */
static void
nulls(void)
{
	static const char *const	good[] = {
		"{\"ticketBody\":\"x\",\"token\":null}",
		"{\"ticketBody\":\"x\",\"lang\":null}",
		"{\"ticketBody\":\"x\",\"refresh\":null,\"status\":null}",
		"{\"ticketBody\":\"x\",\"version\":null,\"status\":null}",
		"{\"type\":null,\"ticketBody\":\"x\"}",
		"{ \"refresh\" : null , \"ticketBody\" : \"x\", \"y\": null }",
	};
	struct request			r;
	size_t				i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		row("%s", good[i]);
		request_read(&r, good[i], strlen(good[i]), MAX, LANGUAGE_PT);
		check_int(r.failure.code, FAILURE_NONE);
		check_int(r.type, REQUEST_ASK);
		check(!r.refresh && !r.status && r.version == 0 &&
		    r.token.len == 0 && r.language == LANGUAGE_PT);
		request_free(&r);
	}
}

static void
refused_unread(void)
{
	struct request	r;

	request_refuse(&r, FAILURE_TOO_LARGE, 65536, LANGUAGE_EN);
	check_int(r.failure.code, FAILURE_TOO_LARGE);
	check_str(r.failure.detail, "65536");
	check_int(r.type, REQUEST_ASK);
	check_int(r.language, LANGUAGE_EN);
	request_free(&r);
	request_refuse(&r, FAILURE_BAD_JSON, 65536, LANGUAGE_PT);
	check_int(r.failure.code, FAILURE_BAD_JSON);
	check_str(r.failure.detail, "");
	request_free(&r);
}

/* Only where people may write is a message as long as an answer, and only with
   a filter longer than a ticket. */
static void
longest(void)
{
	struct settings	s = { .text[SETTING_TICKET_FILTER] = "" };

	s.number[SETTING_MAX_TICKET_BYTES] = 10000;
	s.number[SETTING_MAX_ANSWER_BYTES] = 50000;
	s.number[SETTING_WRITE] = WRITE_OFF;
	/* A question may have its length, however short tickets are. */
	s.number[SETTING_MAX_TICKET_BYTES] = 1000;
	check_int(request_message_max(&s), MESSAGE_MAX(QUESTION_MAX));
	s.number[SETTING_MAX_TICKET_BYTES] = 10000;
	check_int(request_message_max(&s), MESSAGE_MAX(10000));
	s.number[SETTING_WRITE] = WRITE_ON;
	check_int(request_message_max(&s), MESSAGE_MAX(50000));
	s.number[SETTING_MAX_TICKET_BYTES] = 60000;
	check_int(request_message_max(&s), MESSAGE_MAX(60000));
	s.text[SETTING_TICKET_FILTER] = "/bin/cat";
	check_int(request_message_max(&s), MESSAGE_MAX(960000));
}

int
main(void)
{
	t_begin();
	run(takes);
	run(refuses);
	run(language);
	run(limits);
	run(nulls);
	run(refused_unread);
	run(longest);
	return t_end();
}
