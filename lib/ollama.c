/*
 * What Ollama's lines and refusals mean.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "limit.h"
#include "ollama.h"
#include "utf8.h"

/* Whether a text has a part; both are Ollama's, in ASCII. */
static bool
has(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

/* What an error text means, wherever it came. */
static enum failure_code
meaning(const char *error, bool *retry)
{
	static const char *const	too_long[] = {
		"exceed_context_size", "exceeds the available context size",
		"longer than the context length",
	}, *const			restarts[] = {
		/* The next request starts the runner anew. */
		"process has terminated", "process no longer running",
		"runner has unexpectedly stopped", "unexpected server status",
		"health resp", "error starting llama-server",
		"reported out-of-memory", "timed out waiting",
		"runner failed", "encountered while running the model",
		"error reading llama-server", "server overloaded",
	}, *const			rejected[] = {
		"must be of type", "invalid format", "incompatible with",
		"unable to load full model", "model requires",
		"does not support",
	};
	size_t				i;

	*retry = false;
	for (i = 0; i < sizeof(too_long) / sizeof(too_long[0]); i++) {
		if (has(error, too_long[i]))
			return FAILURE_PROMPT_TOO_LONG;
	}
	for (i = 0; i < sizeof(rejected) / sizeof(rejected[0]); i++) {
		if (has(error, rejected[i]))
			return FAILURE_UPSTREAM_REJECTED;
	}
	for (i = 0; i < sizeof(restarts) / sizeof(restarts[0]); i++) {
		if (has(error, restarts[i]))
			*retry = true;
	}
	return FAILURE_UPSTREAM_ERROR;
}

/* Appends the text of a member, if it is there; false if it is no text. */
static bool
append(const struct json *j, int object, const char *name, struct buf *b)
{
	int	value = json_member(j, object, name);

	if (value == -1)
		return true;
	return json_string(j, value, false, b) == 0;
}

/* A count or, in nanoseconds, a time of the done line. */
static int64_t
figure(const struct json *j, const char *name, int64_t unit)
{
	int64_t	n = json_int(j, json_member(j, 0, name), 0);

	return n < 0 ? 0 : n / unit;
}

static void
read_cost(const struct json *j, struct cost *c)
{
	struct buf	reason = BUF_INIT(sizeof(c->done_reason) - 1);

	(void)snprintf(c->done_reason, sizeof(c->done_reason), "stop");
	if (append(j, 0, "done_reason", &reason) && reason.len > 0)
		(void)snprintf(c->done_reason, sizeof(c->done_reason), "%s",
		    reason.data);
	buf_free(&reason);
	c->prompt_tokens = figure(j, "prompt_eval_count", 1);
	c->answer_tokens = figure(j, "eval_count", 1);
	c->load = figure(j, "load_duration", 1000000);
	c->prompt = figure(j, "prompt_eval_duration", 1000000);
	c->answer = figure(j, "eval_duration", 1000000);
}

/* The error of a line or body, a string or an object around one; or -1. */
static int
error_member(const struct json *j)
{
	int	error = json_member(j, 0, "error");

	if (json_type(j, error) == JSON_OBJECT)
		error = json_member(j, error, "message");
	return error;
}

/* Reads an error line. */
static void
read_error(struct ollama_line *l, const struct json *j, int error)
{
	struct buf	text = BUF_INIT(UPSTREAM_LINE_MAX);

	if (json_string(j, error, false, &text) == -1 || text.data == NULL)
		l->failure = failure_make(FAILURE_UPSTREAM_ERROR, NULL);
	else
		l->failure = failure_make(meaning(text.data, &l->retry),
		    "200");
	buf_free(&text);
}

void
ollama_read(struct ollama_line *l, enum url_api api, const char *line,
    size_t len, struct json *j, struct buf *text, struct cost *cost)
{
	struct buf	thoughts = BUF_INIT(UPSTREAM_LINE_MAX);
	int		where = 0, done;
	const char	*name = "response";
	bool		good;

	memset(l, 0, sizeof(*l));
	if (json_parse(j, line, len, UPSTREAM_DEPTH, UPSTREAM_TOKENS) == -1 ||
	    json_type(j, 0) != JSON_OBJECT) {
		l->failure = failure_make(FAILURE_UPSTREAM_INVALID, NULL);
		return;
	}
	if (json_member(j, 0, "error") != -1) {
		read_error(l, j, error_member(j));
		return;
	}
	if (api == URL_CHAT) {
		where = json_member(j, 0, "message");
		name = "content";
	}
	done = json_member(j, 0, "done");
	good = (where == -1 || json_type(j, where) == JSON_OBJECT) &&
	    json_type(j, done) == JSON_BOOL && append(j, where, name,
	    text) && (json_type(j, json_member(j, where, "thinking")) ==
	    JSON_NULL || append(j, where, "thinking", &thoughts));
	if (!good) {
		l->failure = failure_make(FAILURE_UPSTREAM_INVALID, NULL);
	} else {
		l->thinking = thoughts.len > 0;
		l->done = json_true(j, done);
		if (l->done)
			read_cost(j, cost);
	}
	buf_free(&thoughts);
}

/* The error text of a body, as a C string; empty if there is none. */
static void
error_text(const char *body, size_t len, struct buf *text)
{
	struct json	j = { 0 };

	if (len > 0 && json_parse(&j, body, len, UPSTREAM_DEPTH,
	    UPSTREAM_TOKENS) == 0 &&
	    json_string(&j, error_member(&j), false, text) == -1)
		buf_clear(text);
	json_free(&j);
}

struct failure
ollama_refusal(long status, const char *body, size_t len, const char *model,
    bool *retry)
{
	struct buf		text = BUF_INIT(UPSTREAM_BODY_MAX);
	enum failure_code	code;
	const char		*error;
	char			 number[24];

	error_text(body, len, &text);
	error = text.data == NULL ? "" : text.data;
	code = meaning(error, retry);
	(void)snprintf(number, sizeof(number), "%ld", status);
	if (status == 429 || status == 503) {
		code = FAILURE_UPSTREAM_BUSY;
		*retry = true;
	} else if ((status == 404 && has(error, "not found")) ||
	    has(error, "model is required")) {
		code = FAILURE_MODEL_MISSING;
	} else if (status >= 500) {
		/* An empty 500 is a panic, a 502 a proxy's. */
		*retry = *retry || *error == '\0';
	} else if (status >= 300) {
		code = code == FAILURE_PROMPT_TOO_LONG ? code :
		    FAILURE_UPSTREAM_REJECTED;
		*retry = false;
	} else {
		code = FAILURE_UPSTREAM_INVALID;
		*retry = false;
	}
	buf_free(&text);
	return failure_make(code, code == FAILURE_MODEL_MISSING ? model :
	    number);
}
