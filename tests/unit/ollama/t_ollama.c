/*
 * lib/ollama/ollama: what is sent, and what every kind of line and refusal
 * means; also with recorded refusals and invented ones.
 */
#include "base/limit.h"
#include "ollama/ollama.h"
#include "t.h"

#define ASKED	"\"prompt\":\"a\\n\\\"\","
#define HEAD	"{\"model\":\"m\","
#define TAIL	"\"stream\":true,\"truncate\":false"
#define LIMIT	"\"options\":{\"num_predict\":1024}"
#define THINKING "\"options\":{\"num_predict\":4096}"

struct request_row {
	const char	*key, *value;	/* a setting */
	enum url_api	 api;
	const char	*system, *want;
};

static void
request_row(const struct request_row *r)
{
	struct buf	b = BUF_INIT(1000);
	struct prompt	p = { .count = 0 };
	struct settings	s;

	if (r->key != NULL && setenv(r->key, r->value, 1) == -1)
		t_die("setenv");
	check_int(settings_load(&s, NULL, 0), 0);
	p.system = strdup(r->system);
	check_int(prompt_answer(&p, "a\n\"", 3), 0);
	p.messages[0].model = false;	/* taken as it is */
	check_int(ollama_request(&b, &s, r->api, "m", &p), 0);
	check_mem(b.data, b.len, r->want, strlen(r->want));
	if (r->key != NULL)
		(void)unsetenv(r->key);
	buf_free(&b);
	b.cap = 20;
	check_int(ollama_request(&b, &s, r->api, "m", &p), -1);
	check_int(b.len, 0);
	buf_free(&b);
	prompt_free(&p);
	settings_free(&s);
}

static void
requests(void)
{
	static const struct request_row	rows[] = {
		{ NULL, NULL, URL_GENERATE, "", HEAD "\"prompt\":\"a\\n\\\"\","
		    TAIL ",\"think\":false," LIMIT "}" },
		{ NULL, NULL, URL_GENERATE, "be\n", HEAD
		    "\"system\":\"be\\n\",\"prompt\":\"a\\n\\\"\"," TAIL
		    ",\"think\":false," LIMIT "}" },
		{ NULL, NULL, URL_CHAT, "", HEAD
		    "\"messages\":[{\"role\":\"user\",\"content\":"
		    "\"a\\n\\\"\"}]," TAIL ",\"think\":false," LIMIT "}" },
		{ NULL, NULL, URL_CHAT, "be", HEAD
		    "\"messages\":[{\"role\":\"system\",\"content\":\"be\"},"
		    "{\"role\":\"user\",\"content\":\"a\\n\\\"\"}]," TAIL
		    ",\"think\":false," LIMIT "}" },
		{ "OLLAMA_THINK", "true", URL_GENERATE, "", HEAD ASKED TAIL
		    ",\"think\":true," THINKING "}" },
		{ "OLLAMA_THINK", "low", URL_GENERATE, "", HEAD ASKED TAIL
		    ",\"think\":\"low\"," THINKING "}" },
		{ "OLLAMA_THINK", "server", URL_GENERATE, "", HEAD ASKED TAIL
		    "," THINKING "}" },
		{ "OLLAMA_KEEP_ALIVE", "-1", URL_GENERATE, "", HEAD
		    "\"prompt\":\"a\\n\\\"\"," TAIL ",\"think\":false,"
		    "\"keep_alive\":-1," LIMIT "}" },
		{ "OLLAMA_KEEP_ALIVE", "30m", URL_GENERATE, "", HEAD
		    "\"prompt\":\"a\\n\\\"\"," TAIL ",\"think\":false,"
		    "\"keep_alive\":\"30m\"," LIMIT "}" },
		{ "OLLAMA_OPTIONS", "{\"num_ctx\": 8192}", URL_CHAT, "", HEAD
		    "\"messages\":[{\"role\":\"user\",\"content\":"
		    "\"a\\n\\\"\"}]," TAIL ",\"think\":false,"
		    "\"options\":{\"num_ctx\": 8192,\"num_predict\":1024}}" },
		{ "OLLAMA_OPTIONS", " { } ", URL_GENERATE, "", HEAD ASKED TAIL
		    ",\"think\":false,\"options\": {\"num_predict\":1024}}" },
		{ "OLLAMA_OPTIONS", "{\"stop\":[\"}\"] } ", URL_GENERATE, "",
		    HEAD "\"prompt\":\"a\\n\\\"\"," TAIL ",\"think\":false,"
		    "\"options\":{\"stop\":[\"}\"],\"num_predict\":1024}}" },
		{ "OLLAMA_OPTIONS", "{\"num_predict\":null}", URL_GENERATE, "",
		    HEAD "\"prompt\":\"a\\n\\\"\"," TAIL ",\"think\":false,"
		    "\"options\":{\"num_predict\":null,"
		    "\"num_predict\":1024}}" },
		{ "OLLAMA_OPTIONS", "{\"num_predict\":-1}", URL_GENERATE, "",
		    HEAD "\"prompt\":\"a\\n\\\"\"," TAIL ",\"think\":false,"
		    "\"options\":{\"num_predict\":-1}}" },
		{ "OLLAMA_OPTIONS", "{\"num_predict\":7,\"seed\":1}", URL_CHAT,
		    "", HEAD "\"messages\":[{\"role\":\"user\",\"content\":"
		    "\"a\\n\\\"\"}]," TAIL ",\"think\":false,"
		    "\"options\":{\"num_predict\":7,\"seed\":1}}" },
	};
	size_t				i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		request_row(&rows[i]);
	}
}

/*
 * All requests about one answer: each begins with the bytes of the one before,
 * up to the end of its last message, and their settings are the same bytes.
 */
static void
threads(void)
{
	static const char	end[] = "\"}],\"stream\"";
	struct buf	all[4] = { BUF_INIT(9999), BUF_INIT(9999),
			    BUF_INIT(9999), BUF_INIT(9999) };
	struct prompt	p = { .word = "89abcdef01234567" };
	struct settings	s;
	char		*tail;
	size_t		i, n;

	check_int(settings_load(&s, NULL, 0), 0);
	p.system = strdup("be brief");
	check_int(prompt_ticket(&p, "jam", 3, "short", 5), 0);
	for (i = 0; i < 4; i++) {
		row("%zu turns", i);
		check_int(ollama_request(&all[i], &s, URL_CHAT, "m", &p), 0);
		check_int(prompt_answer(&p, "Open it.\n", 9), 0);
		check_int(prompt_question(&p, "and then?", 9), 0);
		tail = strstr(all[i].data, end);
		if (i == 0 || !check(tail != NULL))
			continue;
		n = (size_t)(strstr(all[i - 1].data, end) - all[i - 1].data);
		check_mem(all[i].data, n, all[i - 1].data, n);
		check_str(tail, strstr(all[i - 1].data, end));
	}
	check(strstr(all[1].data, "\"messages\":[{\"role\":\"system\","
	    "\"content\":\"be brief\"},{\"role\":\"user\",\"content\":"
	    "\"[[89abcdef01234567]]\\njam\\n[[/89abcdef01234567]]\\n"
	    "[[89abcdef01234567]]\\nshort\\n[[/89abcdef01234567]]\\n\"},"
	    "{\"role\":\"assistant\",\"content\":\"Open it.\\n\"},"
	    "{\"role\":\"user\",\"content\":\"[[89abcdef01234567]]\\n"
	    "and then?\\n[[/89abcdef01234567]]\\n\"}]") != NULL);
	for (i = 0; i < 4; i++)
		buf_free(&all[i]);
	prompt_free(&p);
	settings_free(&s);
}

enum { D = 1, T = 2, R = 4 };	/* done, thinking, retry */

struct line {
	const char		*line, *text;
	int			 flags;
	enum failure_code	 code;
};

static void
read_lines(enum url_api api, const struct line *rows, size_t count)
{
	struct json	j = { 0 };
	size_t		i;

	for (i = 0; i < count; i++) {
		struct buf		text = BUF_INIT(1000);
		struct ollama_line	l;
		struct cost		cost = { .model = "" };

		row("%u %s", api, rows[i].line);
		ollama_read(&l, api, rows[i].line, strlen(rows[i].line), &j,
		    &text, &cost);
		check_int(l.failure.code, rows[i].code);
		check_int(l.done, (rows[i].flags & D) != 0);
		check_int(l.thinking, (rows[i].flags & T) != 0);
		check_int(l.retry, (rows[i].flags & R) != 0);
		if (rows[i].code == FAILURE_NONE)
			check_mem(text.data, text.len, rows[i].text,
			    strlen(rows[i].text));
		if ((rows[i].flags & D) != 0)
			check_str(cost.done_reason, strstr(rows[i].line,
			    "length") != NULL ? "length" : "stop");
		buf_free(&text);
	}
	json_free(&j);
}

#define INVALID	FAILURE_UPSTREAM_INVALID
#define ERROR	FAILURE_UPSTREAM_ERROR

/* Lines of both APIs without text. */
static const struct line	both[] = {
	{ "{\"done\":false}", "", 0, 0 }, { "{\"done\":true}", "", D, 0 },
	{ "{\"done\":true,\"done_reason\":\"length\"}", "", D, 0 },
	{ "{\"done\":true,\"done_reason\":5}", "", D, 0 },
	{ "{\"done\":true,\"done_reason\":\"0123456789012345678901234567890"
	    "123456789\"}", "", D, 0 },
	{ "", "", 0, INVALID }, { "x", "", 0, INVALID },
	{ "[]", "", 0, INVALID }, { "\"x\"", "", 0, INVALID },
	{ "{}", "", 0, INVALID }, { "{\"done\":1}", "", 0, INVALID },
	{ "{\"done\":\"true\"}", "", 0, INVALID },
	{ "{\"done\":null}", "", 0, INVALID },
	{ "{\"done\":false,\"done\":true}", "", 0, INVALID },
	{ "{\"done\":true}{\"done\":true}", "", 0, INVALID },
	{ "{\"done\":true", "", 0, INVALID },
	{ "data: {\"done\":true}", "", 0, INVALID },
	{ "<html>", "", 0, INVALID },
	/* Errors. */
	{ "{\"error\":\"boom\"}", "", 0, ERROR },
	{ "{\"error\":\"boom\",\"done\":true}", "", 0, ERROR },
	{ "{\"error\":\"\"}", "", 0, ERROR },
	{ "{\"error\":5}", "", 0, ERROR },
	/* A null counts as absent. */
	{ "{\"error\":null,\"done\":false}", "", 0, 0 },
	{ "{\"done\":true,\"error\":null}", "", D, 0 },
	{ "{\"error\":null}", "", 0, INVALID },
	{ "{\"error\":\"\",\"done\":false}", "", 0, 0 },
	{ "{\"done\":true,\"error\":\"\"}", "", D, 0 },
	{ "{\"error\":\"\",\"done\":1}", "", 0, INVALID },
	{ "{\"error\":{\"message\":\"\"},\"done\":true}", "", 0, ERROR },
	{ "{\"error\":\" \"}", "", 0, ERROR },
	{ "{\"error\":{\"message\":null}}", "", 0, ERROR },
	{ "{\"error\":[]}", "", 0, ERROR }, { "{\"error\":{}}", "", 0, ERROR },
	{ "{\"error\":\"a\",\"error\":\"b\"}", "", 0, ERROR },
	{ "{\"error\":{\"message\":\"boom\"}}", "", 0, ERROR },
	{ "{\"error\":\"llama-server process has terminated: killed\"}", "",
	    R, ERROR },
	{ "{\"error\":\"an error was Encountered while running the model\"}",
	    "", R, ERROR },
	{ "{\"error\":{\"message\":\"the runner failed\"}}", "", R, ERROR },
	{ "{\"error\":\"model runner has unexpectedly stopped\"}", "", R,
	    ERROR },
	{ "{\"error\":\"server overloaded\"}", "", R, ERROR },
	{ "{\"error\":\"exceeds the available context size\"}", "", 0,
	    FAILURE_PROMPT_TOO_LONG },
	{ "{\"error\":{\"message\":\"exceed_context_size_error\"}}", "", 0,
	    FAILURE_PROMPT_TOO_LONG },
	{ "{\"error\":\"input longer than the context length\"}", "", 0,
	    FAILURE_PROMPT_TOO_LONG },
	{ "{\"error\":\"option num_ctx must be of type integer\"}", "", 0,
	    FAILURE_UPSTREAM_REJECTED },
	{ "{\"error\":\"m does not support thinking\"}", "", 0,
	    FAILURE_UPSTREAM_REJECTED },
	{ "{\"error\":\"model requires more system memory\"}", "", 0, ERROR },
	{ "{\"error\":\"this model requires more credits\"}", "", 0,
	    FAILURE_UPSTREAM_REJECTED },
	{ "{\"error\":\"context deadline exceeded\"}", "", 0, ERROR },
};

static void
lines(void)
{
	static const struct line	generate[] = {
		{ "{\"response\":\"a\",\"done\":false}", "a", 0, 0 },
		{ " { \"done\" : false , \"response\" : \"\\u00e1\\n\" } ",
		    "\xc3\xa1\n", 0, 0 },
		{ "{\"response\":\"\",\"done\":false}", "", 0, 0 },
		{ "{\"response\":\"a\\ud800b\",\"done\":false}",
		    "a\xef\xbf\xbd" "b", 0, 0 },
		{ "{\"response\":\"a\",\"done\":true}", "a", D, 0 },
		{ "{\"response\":\"\",\"thinking\":\"hm\",\"done\":false}",
		    "", T, 0 },
		{ "{\"response\":\"a\",\"thinking\":\"hm\",\"done\":false}",
		    "a", T, 0 },
		{ "{\"thinking\":\"\",\"done\":false}", "", 0, 0 },
		{ "{\"thinking\":null,\"done\":false}", "", 0, 0 },
		{ "{\"x\":{\"response\":\"no\",\"done\":true},\"response\":"
		    "\"a\",\"done\":false}", "a", 0, 0 },
		{ "{\"message\":{\"content\":\"no\"},\"done\":false}", "", 0,
		    0 },
		{ "{\"response\":5,\"done\":false}", "", 0, INVALID },
		{ "{\"response\":{},\"done\":false}", "", 0, INVALID },
		{ "{\"response\":null,\"done\":false}", "", 0, 0 },
		{ "{\"response\":\"a\",\"response\":\"b\",\"done\":false}", "",
		    0, INVALID },
		{ "{\"thinking\":5,\"done\":false}", "", 0, INVALID },
	}, chat[] = {
		{ "{\"message\":{\"content\":null,\"thinking\":\"hm\"},"
		    "\"done\":false}", "", T, 0 },
		{ "{\"message\":{\"role\":\"assistant\",\"content\":\"a\"},"
		    "\"done\":false}", "a", 0, 0 },
		{ "{\"message\":{\"content\":\"\",\"thinking\":\"hm\"},"
		    "\"done\":false}", "", T, 0 },
		{ "{\"message\":{\"content\":\"a\"},\"done\":true,"
		    "\"done_reason\":\"length\"}", "a", D, 0 },
		{ "{\"message\":{},\"done\":false}", "", 0, 0 },
		{ "{\"response\":\"no\",\"done\":false}", "", 0, 0 },
		{ "{\"message\":\"a\",\"done\":false}", "", 0, INVALID },
		{ "{\"message\":[],\"done\":false}", "", 0, INVALID },
		{ "{\"message\":null,\"done\":false}", "", 0, INVALID },
		{ "{\"message\":{\"content\":5},\"done\":false}", "", 0,
		    INVALID },
		{ "{\"message\":{\"content\":\"a\"},\"message\":{\"content\":"
		    "\"b\"},\"done\":false}", "", 0, INVALID },
	};

	read_lines(URL_GENERATE, both, sizeof(both) / sizeof(both[0]));
	read_lines(URL_CHAT, both, sizeof(both) / sizeof(both[0]));
	read_lines(URL_GENERATE, generate,
	    sizeof(generate) / sizeof(generate[0]));
	read_lines(URL_CHAT, chat, sizeof(chat) / sizeof(chat[0]));
}

static void
costs(void)
{
	static const char	line[] =
	    "{\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":26,"
	    "\"eval_count\":298,\"load_duration\":5043500667,"
	    "\"prompt_eval_duration\":130079000,\"eval_duration\":-5,"
	    "\"total_duration\":1.5}";
	struct ollama_line	l;
	struct buf		text = BUF_INIT(10);
	struct json		j = { 0 };
	struct cost		c = { .model = "kept", .total = 7 };

	ollama_read(&l, URL_GENERATE, line, sizeof(line) - 1, &j, &text, &c);
	check(l.done);
	check_str(c.model, "kept");
	check_str(c.done_reason, "stop");
	check_int(c.prompt_tokens, 26);
	check_int(c.answer_tokens, 298);
	check_int(c.load, 5043);
	check_int(c.prompt, 130);
	check_int(c.answer, 0);
	check_int(c.total, 7);
	row("over the cap of the text");
	ollama_read(&l, URL_GENERATE, "{\"response\":\"01234567890\","
	    "\"done\":false}", 38, &j, &text, &c);
	check_int(l.failure.code, INVALID);
	buf_free(&text);
	json_free(&j);
}

static void
refusals(void)
{
	static const struct {
		long			 status;
		const char		*body;
		enum failure_code	 code;
		const char		*detail;
		bool			 retry;
	} rows[] = {
		{ 404, "{\"error\":\"model 'm' not found\"}",
		    FAILURE_MODEL_MISSING, "m", false },
		{ 404, "404 page not found", FAILURE_UPSTREAM_REJECTED, "404",
		    false },
		{ 400, "{\"error\":\"model is required\"}",
		    FAILURE_MODEL_MISSING, "m", false },
		{ 400, "{\"error\":\"invalid format\"}",
		    FAILURE_UPSTREAM_REJECTED, "400", false },
		{ 400, "", FAILURE_UPSTREAM_REJECTED, "400", false },
		{ 400, "{\"error\":\"runner failed\"}",
		    FAILURE_UPSTREAM_REJECTED, "400", false },
		{ 400, "{\"error\":\"exceeds the available context size\"}",
		    FAILURE_PROMPT_TOO_LONG, "400", false },
		{ 500, "{\"error\":\"exceeds the available context size\"}",
		    FAILURE_PROMPT_TOO_LONG, "500", false },
		{ 401, "{\"error\":\"unauthorized\"}",
		    FAILURE_UPSTREAM_REJECTED, "401", false },
		{ 403, "", FAILURE_UPSTREAM_REJECTED, "403", false },
		{ 307, "<a href>", FAILURE_UPSTREAM_REJECTED, "307", false },
		{ 429, "{\"error\":\"too many\"}", FAILURE_UPSTREAM_BUSY,
		    "429", true },
		{ 503, "", FAILURE_UPSTREAM_BUSY, "503", true },
		{ 503, "{\"error\":\"server busy\"}", FAILURE_UPSTREAM_BUSY,
		    "503", true },
		{ 500, "", ERROR, "500", true }, { 502, "<html>", ERROR,
		    "502", true }, { 504, "{\"error\":5}", ERROR, "504",
		    true },
		{ 500, "{\"error\":\"boom\"}", ERROR, "500", false },
		{ 500, "{\"error\":\"process has terminated\"}", ERROR, "500",
		    true },
		{ 500, "{\"error\":{\"message\":\"runner failed\"}}", ERROR,
		    "500", true },
		{ 500, "{\"error\":\"option must be of type float\"}",
		    FAILURE_UPSTREAM_REJECTED, "500", false },
		{ 204, "", INVALID, "204", false },
		{ 201, "{\"error\":\"runner failed\"}", INVALID, "201",
		    false }, { 100, "", INVALID, "100", false },
	};
	struct failure	f;
	size_t		i;
	bool		retry;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%ld %s", rows[i].status, rows[i].body);
		retry = !rows[i].retry;
		f = ollama_refusal(rows[i].status, rows[i].body,
		    strlen(rows[i].body), "m", &retry);
		check_int(f.code, rows[i].code);
		check_str(f.detail, rows[i].detail);
		check_int(retry, rows[i].retry);
	}
	f = ollama_refusal(500, NULL, 0, "m", &retry);
	check_int(f.code, ERROR);
}

/* The refusals of real servers. */
static void
recordings(void)
{
	static const struct {
		const char		*file;
		enum failure_code	 code;
		bool			 retry;
	} rows[] = {
		{ "ollama/bad-json.response.http", FAILURE_UPSTREAM_REJECTED,
		    false },
		{ "ollama/bad-keepalive.response.http",
		    FAILURE_UPSTREAM_REJECTED, false },
		{ "ollama/bad-option.response.http",
		    FAILURE_UPSTREAM_REJECTED, false },
		{ "ollama/missing-model.response.http", FAILURE_MODEL_MISSING,
		    false },
		{ "ollama/model-not-found.response.http",
		    FAILURE_MODEL_MISSING, false },
		{ "ollama/notfound.response.http", FAILURE_UPSTREAM_REJECTED,
		    false },
		{ "ollama/server-busy.response.http", FAILURE_UPSTREAM_BUSY,
		    true },
		{ "ollama/think-unsupported.response.http",
		    FAILURE_UPSTREAM_REJECTED, false },
		{ "upstream/307-redirect.http", FAILURE_UPSTREAM_REJECTED,
		    false },
		{ "upstream/400-exceeds-context.http",
		    FAILURE_PROMPT_TOO_LONG, false },
		{ "upstream/400-prompt-too-long.http",
		    FAILURE_PROMPT_TOO_LONG, false },
		{ "upstream/400-context-cloud.http", FAILURE_PROMPT_TOO_LONG,
		    false },
		{ "upstream/500-context-old.http", FAILURE_PROMPT_TOO_LONG,
		    false },
		{ "upstream/500-memory-short.http", ERROR, false },
		{ "upstream/402-credits.http", FAILURE_UPSTREAM_REJECTED,
		    false },
		{ "upstream/401-signin.http", FAILURE_UPSTREAM_REJECTED,
		    false },
		{ "upstream/403-empty.http", FAILURE_UPSTREAM_REJECTED,
		    false },
		{ "upstream/429-cloud.http", FAILURE_UPSTREAM_BUSY, true },
		{ "upstream/500-empty.http", ERROR, true },
		{ "upstream/500-runner-terminated.http", ERROR, true },
		{ "upstream/502-html.http", ERROR, true },
	};
	char		path[128], *text, *body;
	struct failure	f;
	size_t		i, len;
	bool		retry;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].file);
		(void)snprintf(path, sizeof(path), "tests/%s", rows[i].file);
		text = t_read_source(path, &len);
		if (check(strncmp(text, "HTTP/1.1 ", 9) == 0 &&
		    (body = strstr(text, "\r\n\r\n")) != NULL)) {
			body += 4;
			f = ollama_refusal(strtol(text + 9, NULL, 10), body,
			    len - (size_t)(body - text), "m", &retry);
			check_int(f.code, rows[i].code);
			check_int(retry, rows[i].retry);
		}
		free(text);
	}
}

/* What servers, clouds and engines say if a prompt or a model does not fit. */
static void
does_not_fit(void)
{
	static const char *const	prompts[] = {
		"prompt too long; exceeded max context length by 1204 tokens",
		"input exceeds context length",
		"the input length exceeds the context length",
		"This model's maximum context length is 4096 tokens. However",
		"Prompt is too long",
		"the request exceeds the available context size (2048 tokens)",
		"requested tokens (5000) exceed context window of 4096",
		"prompt is larger than the context size",
		"context_length_exceeded",
		"Input is too long for requested model.",
		"max_tokens: context limit exceeded",
		"prompt has too many tokens",
		"input is larger than the context",
		"the prompt exceeds the context of this model",
	}, *const			memory[] = {
		"model requires more system memory (5.6 GiB) than is available "
		    "(3.1 GiB)",
		"model requires 9.1 GiB but only 3.1 GiB are available",
		"CUDA error: out of memory",
		"llama-server reported out-of-memory during startup: x",
		"llama runner process has terminated: error: unable to "
		    "allocate CUDA0 buffer",
		"cudaMalloc failed: out of memory", "not enough memory to run",
		"unable to load full model on GPU",
		"memory layout cannot be allocated",
		"insufficient VRAM to load any model layers",
		"llama runner process has terminated: signal: killed",
		"terminate called after throwing an instance of std::bad_alloc",
		"vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
	}, *const			neither[] = {
		"context deadline exceeded", "context canceled", "boom",
		"net/http: request canceled (Client.Timeout exceeded)",
	};
	struct failure			f;
	char				body[200];
	size_t				i;
	bool				retry;

#define SAYS(text) \
	(row("%s", (text)), (void)snprintf(body, sizeof(body), \
	"{\"error\":\"%s\"}", (text)), \
	f = ollama_refusal(500, body, strlen(body), "m", &retry))
	for (i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
		SAYS(prompts[i]);
		check_int(f.code, FAILURE_PROMPT_TOO_LONG);
	}
	for (i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
		SAYS(memory[i]);
		check_int(f.code, ERROR);
		check_str(f.detail, FAILURE_MEMORY);
		check(strstr(failure_words(&f, LANGUAGE_EN),
		    "a smaller model or num_ctx") != NULL);
		check(strstr(failure_words(&f, LANGUAGE_PT), "num_ctx") !=
		    NULL);
	}
	for (i = 0; i < sizeof(neither) / sizeof(neither[0]); i++) {
		SAYS(neither[i]);
		check_int(f.code, ERROR);
		check_str(f.detail, "500");
		check_str(failure_words(&f, LANGUAGE_EN),
		    failure_message(ERROR, LANGUAGE_EN));
	}
}

int
main(void)
{
	t_begin();
	run(requests);
	run(threads);
	run(lines);
	run(costs);
	run(refusals);
	run(recordings);
	run(does_not_fit);
	return t_end();
}
