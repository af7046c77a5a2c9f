/*
 * lib/ollama/openai: what is sent, what refusals and lists of models mean, also
 * as recorded; and lib/ollama/recall, what a server refused.
 */
#include <sys/stat.h>
#include <time.h>
#include <utime.h>

#include "base/limit.h"
#include "ollama/models.h"
#include "ollama/openai.h"
#include "ollama/recall.h"
#include "t.h"

#define ASKED	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
		"\"content\":\"a\\n\\\"\"}],\"stream\":true"
#define USAGE	",\"stream_options\":{\"include_usage\":true}"
#define LIMIT	",\"max_tokens\":1024}"

static void
request_row(const char *key, const char *value, unsigned refuses,
    const char *system, const char *want)
{
	struct buf	b = BUF_INIT(1000);
	struct prompt	p = { .count = 0 };
	struct settings	s;

	if (key != NULL && setenv(key, value, 1) == -1)
		t_die("setenv");
	check_int(settings_load(&s, NULL, 0), 0);
	p.system = strdup(system);
	check_int(prompt_answer(&p, "a\n\"", 3), 0);
	p.messages[0].model = false;	/* taken as it is */
	check_int(openai_request(&b, &s, refuses, "m", &p), 0);
	check_mem(b.data, b.len, want, strlen(want));
	if (key != NULL)
		(void)unsetenv(key);
	buf_free(&b);
	b.cap = 20;
	check_int(openai_request(&b, &s, refuses, "m", &p), -1);
	check_int(b.len, 0);
	buf_free(&b);
	prompt_free(&p);
	settings_free(&s);
}

static void
requests(void)
{
	static const char	o[] = "OLLAMA_OPTIONS";
	static const struct {
		const char	*key, *value;
		unsigned	 refuses;
		const char	*system, *want;
	} rows[] = {
		{ NULL, NULL, 0, "", ASKED USAGE LIMIT },
		{ NULL, NULL, 0, "be\n", "{\"model\":\"m\",\"messages\":["
		    "{\"role\":\"system\",\"content\":\"be\\n\"},{\"role\":"
		    "\"user\",\"content\":\"a\\n\\\"\"}],\"stream\":true"
		    USAGE LIMIT },
		{ NULL, NULL, OPENAI_NO_SYSTEM, "be\n", "{\"model\":\"m\","
		    "\"messages\":[{\"role\":\"user\",\"content\":\"be\\n\\n\\n"
		    "a\\n\\\"\"}],\"stream\":true" USAGE LIMIT },
		{ NULL, NULL, OPENAI_NO_SYSTEM, "", ASKED USAGE LIMIT },
		{ NULL, NULL, OPENAI_NO_OPTIONS, "", ASKED LIMIT },
		{ NULL, NULL, OPENAI_COMPLETION_TOKENS, "", ASKED USAGE
		    ",\"max_completion_tokens\":1024}" },
		{ NULL, NULL, OPENAI_REFUSES_ALL, "", ASKED
		    ",\"max_completion_tokens\":1024}" },
		{ NULL, NULL, OPENAI_NO_LIMIT, "", ASKED USAGE "}" },
		{ "OLLAMA_THINK", "true", 0, "", ASKED USAGE
		    ",\"max_tokens\":4096}" },
		{ "OLLAMA_THINK", "server", 0, "", ASKED USAGE
		    ",\"max_tokens\":4096}" },
		{ "OLLAMA_KEEP_ALIVE", "30m", 0, "", ASKED USAGE LIMIT },
		{ o, "{\"temperature\":0.70,\"top_p\": 1e-1,\"seed\":7,"
		    "\"stop\":[\"}\",\"\\u00e1\"],\"num_ctx\":8192}", 0, "",
		    ASKED USAGE ",\"temperature\":0.70,\"top_p\":1e-1,"
		    "\"seed\":7,\"stop\":[\"}\",\"\\u00e1\"]" LIMIT },
		{ o, "{\"stop\":\"a\\\"b\"}", 0, "", ASKED USAGE
		    ",\"stop\":\"a\\\"b\"" LIMIT },
		{ o, "{\"temperature\":null,\"seed\":1,\"seed\":2}", 0, "",
		    ASKED USAGE ",\"seed\":2" LIMIT },
		{ o, "{\"num_predict\":7}", 0, "", ASKED USAGE
		    ",\"max_tokens\":7}" },
		{ o, "{\"num_predict\":7}", OPENAI_COMPLETION_TOKENS, "",
		    ASKED USAGE ",\"max_completion_tokens\":7}" },
		{ o, "{\"num_predict\":-1}", 0, "", ASKED USAGE "}" },
		{ o, "{\"num_predict\":-2}", 0, "", ASKED USAGE "}" },
		{ o, "{\"num_predict\":null}", 0, "", ASKED USAGE LIMIT },
		{ o, "{\"num_predict\":\"9\"}", 0, "", ASKED USAGE LIMIT },
		{ o, " { } ", 0, "", ASKED USAGE LIMIT },
		{ o, "{\"num_ctx\":1,\"top_k\":2,\"min_p\":0}", 0, "",
		    ASKED USAGE LIMIT },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		request_row(rows[i].key, rows[i].value, rows[i].refuses,
		    rows[i].system, rows[i].want);
	}
}

/* The requests of a thread begin alike, whatever the server refuses. */
static void
threads(void)
{
	static const char	end[] = "\"}],\"stream\"";
	struct buf	all[3] = { BUF_INIT(9999), BUF_INIT(9999),
			    BUF_INIT(9999) };
	struct prompt	p;
	struct settings	s;
	unsigned	refuses;
	char		*tail;
	size_t		i, n;

	check_int(settings_load(&s, NULL, 0), 0);
	for (refuses = 0; refuses <= OPENAI_REFUSES_ALL; refuses++) {
		memset(&p, 0, sizeof(p));
		memcpy(p.word, "89abcdef01234567", TEXT_WORD + 1);
		p.system = strdup("be brief");
		check_int(prompt_ticket(&p, "jam", 3, "short", 5), 0);
		for (i = 0; i < 3; i++) {
			row("%u: %zu turns", refuses, i);
			buf_clear(&all[i]);
			check_int(openai_request(&all[i], &s, refuses, "m",
			    &p), 0);
			check_int(prompt_answer(&p, "Open it.\n", 9), 0);
			check_int(prompt_question(&p, "and then?", 9), 0);
			tail = strstr(all[i].data, end);
			if (i == 0 || !check(tail != NULL))
				continue;
			n = (size_t)(strstr(all[i - 1].data, end) -
			    all[i - 1].data);
			check_mem(all[i].data, n, all[i - 1].data, n);
			check_str(tail, strstr(all[i - 1].data, end));
		}
		prompt_free(&p);
	}
	for (i = 0; i < 3; i++)
		buf_free(&all[i]);
	settings_free(&s);
}

static void
left_out(void)
{
	static const struct {
		const char	*options, *want;
	} rows[] = {
		{ "", "" }, { "{}", "" },
		{ "{\"temperature\":1,\"top_p\":1,\"seed\":1,\"stop\":[],"
		    "\"num_predict\":1}", "" },
		{ "{\"num_ctx\":1,\"seed\":2,\"top_k\":3}", "num_ctx, top_k" },
		{ "{\"Seed\":2}", "Seed" },
	};
	struct buf	b = BUF_INIT(100);
	struct settings	s;
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		(void)setenv("OLLAMA_OPTIONS", rows[i].options, 1);
		check_int(settings_load(&s, NULL, 0), 0);
		buf_clear(&b);
		check_int(openai_left_out(&s, &b), 0);
		check_mem(b.data, b.len, rows[i].want, strlen(rows[i].want));
		settings_free(&s);
	}
	(void)unsetenv("OLLAMA_OPTIONS");
	buf_free(&b);
}

enum { RETRY = 1, LOADING = 2 };
#define ERROR	FAILURE_UPSTREAM_ERROR
#define REJECTED FAILURE_UPSTREAM_REJECTED
#define LONG	FAILURE_PROMPT_TOO_LONG
#define BUSY	FAILURE_UPSTREAM_BUSY
#define MISSING	FAILURE_MODEL_MISSING

static const struct {
	long			 status;
	const char		*body;
	enum failure_code	 code;
	int			 flags;
	unsigned		 refuses;
} refused[] = {
	{ 400, "{\"error\":{\"message\":\"bad\",\"type\":\"x\","
	    "\"code\":null}}", REJECTED, 0, 0 },
	{ 400, "{\"error\":\"bad\"}", REJECTED, 0, 0 },
	{ 400, "{\"object\":\"error\",\"message\":\"bad\"}", REJECTED,
	    0, 0 },
	{ 422, "{\"detail\":\"bad\"}", REJECTED, 0, 0 },
	{ 400, "", REJECTED, 0, 0 }, { 400, "<html>", REJECTED, 0, 0 },
	{ 400, "[]", REJECTED, 0, 0 }, { 400, "\"x\"", REJECTED, 0,
	    0 }, { 400, "{\"error\":5}", REJECTED, 0, 0 },
	{ 401, "{\"error\":{\"message\":\"Incorrect API key\","
	    "\"code\":\"invalid_api_key\"}}", REJECTED, 0, 0 },
	{ 403, "{\"detail\":\"Forbidden\"}", REJECTED, 0, 0 },
	/* Too long, in the words of each. */
	{ 400, "{\"error\":{\"code\":400,\"message\":\"request (5120 "
	    "tokens) exceeds the available context size (4096 "
	    "tokens), try increasing it\",\"type\":"
	    "\"exceed_context_size_error\",\"n_ctx\":4096}}", LONG, 0,
	    0 },
	{ 400, "{\"error\":{\"message\":\"no\",\"code\":"
	    "\"context_length_exceeded\"}}", LONG, 0, 0 },
	{ 400, "{\"object\":\"error\",\"message\":\"This model's "
	    "maximum context length is 4096 tokens.\",\"code\":400}",
	    LONG, 0, 0 },
	{ 500, "{\"error\":{\"message\":\"Requested tokens (600) "
	    "exceed context window of 512\"}}", LONG, 0, 0 },
	{ 400, "{\"detail\":\"maximum context length\"}", LONG, 0, 0 },
	{ 400, "{\"error\":{\"message\":\"x\",\"type\":"
	    "\"exceed_context_size_error\"}}", LONG, 0, 0 },
	/* No such model, and no such path. */
	{ 404, "{\"error\":{\"message\":\"The model `x` does not "
	    "exist\",\"code\":\"model_not_found\"}}", MISSING, 0, 0 },
	{ 404, "{\"object\":\"error\",\"message\":\"The model `x` "
	    "does not exist.\",\"type\":\"NotFoundError\"}", MISSING,
	    0, 0 },
	{ 400, "{\"error\":{\"message\":\"Invalid model name passed "
	    "in model=x\"}}", MISSING, 0, 0 },
	{ 404, "{\"detail\":\"Not Found\"}", REJECTED, 0, 0 },
	{ 404, "{\"error\":{\"code\":404,\"message\":\"File Not "
	    "Found\",\"type\":\"not_found_error\"}}", REJECTED, 0, 0 },
	{ 404, "404 page not found", REJECTED, 0, 0 },
	/* Busy, and loading. */
	{ 429, "{\"error\":{\"message\":\"slow down\"}}", BUSY, RETRY,
	    0 },
	{ 503, "", BUSY, RETRY, 0 },
	{ 503, "{\"error\":{\"code\":503,\"message\":\"Loading "
	    "model\",\"type\":\"unavailable_error\"}}", BUSY, RETRY |
	    LOADING, 0 },
	{ 503, "{\"error\":\"model is loading\"}", BUSY, RETRY |
	    LOADING, 0 },
	{ 429, "{\"error\":\"Loading model\"}", BUSY, RETRY, 0 },
	{ 500, "{\"error\":\"Loading model\"}", ERROR, 0, 0 },
	{ 500, "", ERROR, RETRY, 0 },
	{ 502, "<html>", ERROR, RETRY, 0 },
	{ 307, "", REJECTED, 0, 0 },
	{ 204, "", FAILURE_UPSTREAM_INVALID, 0, 0 },
	/* What it names. */
	{ 400, "{\"error\":{\"message\":\"Unsupported parameter: "
	    "'max_tokens'. Use 'max_completion_tokens'.\"}}", REJECTED,
	    0, OPENAI_COMPLETION_TOKENS },
	{ 400, "{\"error\":\"max_completion_tokens is too large\"}",
	    REJECTED, 0, OPENAI_NO_LIMIT },
	{ 400, "{\"error\":\"maximum context length is 9 tokens. However, "
	    "you requested 12 (3 in the messages, 9 in the completion)\"}",
	    LONG, 0, OPENAI_NO_LIMIT },
	{ 500, "{\"error\":{\"message\":\"Internal system error while "
	    "handling the message\"}}", ERROR, 0, 0 },
	{ 400, "{\"error\":\"stream_options is not supported\"}",
	    REJECTED, 0, OPENAI_NO_OPTIONS },
	{ 422, "{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],"
	    "\"msg\":\"extra fields not permitted\",\"input\":{"
	    "\"max_tokens\":1}}]}", REJECTED, 0, OPENAI_NO_OPTIONS },
	{ 500, "{\"error\":{\"message\":\"System role not "
	    "supported\"}}", ERROR, 0, OPENAI_NO_SYSTEM },
	{ 400, "{\"object\":\"error\",\"message\":\"Conversation "
	    "roles must alternate user/assistant\"}", REJECTED, 0,
	    OPENAI_NO_SYSTEM },
	{ 400, "{\"error\":\"no system messages, no max_tokens\"}",
	    REJECTED, 0, OPENAI_NO_SYSTEM | OPENAI_COMPLETION_TOKENS },
	{ 429, "{\"error\":\"max_tokens\"}", BUSY, RETRY, 0 },
	{ 401, "{\"error\":\"max_tokens\"}", REJECTED, 0, 0 },
	{ 500, "{\"error\":\"not enough system memory for this "
	    "prompt\"}", ERROR, 0, 0 },
	{ 400, "{\"error\":\"the operating system is old\"}",
	    REJECTED, 0, 0 },
};

static void
refusals(void)
{
	struct openai_refusal	r;
	size_t			i, cut, len;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		row("%zu: %ld %s", i, refused[i].status, refused[i].body);
		len = strlen(refused[i].body);
		openai_refuse(&r, refused[i].status, refused[i].body, len,
		    "m");
		check_int(r.failure.code, refused[i].code);
		check_int(r.retry, refused[i].flags & RETRY);
		check_int(r.loading, (refused[i].flags & LOADING) != 0);
		check_int(r.refuses, refused[i].refuses);
		if (r.failure.code == MISSING)
			check_str(r.failure.detail, "m");
		/* A body that is cut off is no reason for anything else. */
		for (cut = 0; cut < len; cut++) {
			openai_refuse(&r, refused[i].status, refused[i].body,
			    cut, "m");
			check(r.failure.code != FAILURE_NONE);
			check_int(r.refuses, 0);
		}
	}
}

/* Refusals and lists of two real servers. */
static void
recordings(void)
{
	static const struct {
		const char		*file;
		long			 status;
		enum failure_code	 code;
		const char		*model;
	} rows[] = {
		{ "openai-bad", 400, REJECTED, NULL },
		{ "openai-missing", 404, MISSING, NULL },
		{ "llamacpp-bad", 500, ERROR, NULL },
		{ "openai-models", 200, 0, "gemma3:latest" },
		{ "llamacpp-models", 200, 0,
		    "/models/SmolLM2-135M-Instruct.Q4_1.gguf" },
	};
	struct openai_refusal	r;
	struct model		m;
	char			path[128], model[256], *text, *body;
	size_t			i, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].file);
		(void)snprintf(path, sizeof(path),
		    "tests/openai/%s.response.http", rows[i].file);
		text = t_read_source(path, &len);
		body = strstr(text, "\r\n\r\n") + 4;
		len -= (size_t)(body - text);
		if (rows[i].model == NULL) {
			openai_refuse(&r, rows[i].status, body, len, "nope");
			check_int(r.failure.code, rows[i].code);
		} else {
			check_int(models_first(URL_OPENAI, body, len, model,
			    sizeof(model)), 0);
			check_str(model, rows[i].model);
			check(models_find(URL_OPENAI, body, len, model, &m));
			check_int(m.any, false);
			check_int(models_find(URL_OPENAI, body, len, "other",
			    &m), strstr(model, ".gguf") != NULL);
			check_int(m.any, strstr(model, ".gguf") != NULL);
		}
		free(text);
	}
}

static void
recall(void)
{
	struct utimbuf	old = { time(NULL) - 8 * 86400, time(NULL) -
			    8 * 86400 };
	uint64_t	i;

	(void)unlink("refusals");
	check_int(recall_read(".", 7), 0);
	check(access("refusals", F_OK) == -1);
	check_int(recall_read("./no-such-directory", 7), 0);
	recall_add("./no-such-directory", 7, 1);
	recall_add(".", 7, 1);
	recall_add(".", 7, 1);
	recall_add(".", 8, 4);
	recall_add(".", 7, 3);
	check_int(recall_read(".", 7), 3);
	check_int(recall_read(".", 8), 4);
	check_int(recall_read(".", 0x77), 0);
	row("a file that is full begins anew");
	for (i = 1000; i < 1300; i++)
		recall_add(".", i, 2);
	check_int(recall_read(".", 1299), 2);
	check_int(recall_read(".", 1000), 0);
	row("after a week everything is tried again");
	check_int(utime("refusals", &old), 0);
	check_int(recall_read(".", 1299), 0);
	recall_add(".", 5, 2);
	check_int(recall_read(".", 5), 2);
	check_int(recall_read(".", 1299), 0);
	row("a file of something else");
	t_write("refusals", "\0\0 x\n0000000000000005 999999999999\n", 35);
	(void)recall_read(".", 5);
	t_write("refusals", "0000000000000005 255\n", 21);
	check_int(recall_read(".", 5), OPENAI_REFUSES_ALL);
	check_int(unlink("refusals"), 0);
	check_int(mkdir("refusals", 0700), 0);
	check_int(recall_read(".", 5), 0);
	recall_add(".", 5, 1);
	check_int(rmdir("refusals"), 0);
}

int
main(void)
{
	t_begin();
	run(requests);
	run(threads);
	run(left_out);
	run(refusals);
	run(recordings);
	run(recall);
	return t_end();
}
