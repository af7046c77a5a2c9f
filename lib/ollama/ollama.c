/*
 * What Ollama's lines and refusals mean.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "ollama/ollama.h"

/* Whether a text has a part; both are Ollama's, in ASCII. */
static bool
has(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

/* Whether a text has one of some parts. */
static bool
has_one(const char *text, const char *const *parts, size_t count)
{
	size_t	i;

	for (i = 0; i < count; i++) {
		if (has(text, parts[i]))
			return true;
	}
	return false;
}
#define HAS_ONE(text, parts) \
	has_one((text), (parts), sizeof(parts) / sizeof((parts)[0]))

/*
 * Whether an error says that the prompt does not fit.  Each version, engine
 * and cloud has its own words: what they share is what does not fit where.
 * "context deadline exceeded", which is Go's, is about time.
 */
static bool
is_too_long(const char *error)
{
	static const char *const	where[] = {
		"context length", "context size", "context window",
		"context_length", "context_size", "context_window",
	}, *const			what[] = {
		"exceed", "longer than", "larger than", "greater than",
		"too long", "too large", "too small", "maximum context length",
	}, *const			alone[] = {
		"prompt too long", "prompt is too long", "input too long",
		"input is too long", "prompt too large", "prompt is too large",
		"too many tokens", "too many input tokens",
		"context limit exceeded", "exceeds the context",
		"exceeds context", "larger than the context",
		"longer than the context",
	};

	return (HAS_ONE(error, where) && HAS_ONE(error, what)) ||
	    HAS_ONE(error, alone);
}

/* Whether an error says that there is too little memory for the model. */
static bool
is_memory(const char *error)
{
	static const char *const	words[] = {
		"system memory", "gpu memory", "out of memory",
		"out-of-memory", "enough memory", "insufficient memory",
		"allocate memory", "unable to allocate", "failed to allocate",
		"unable to load full model", "memory layout cannot",
		"insufficient vram", "bad_alloc", "outofdevicememory",
		"outofhostmemory",
		/* The kernel ends a runner so, for want of memory. */
		"signal: killed",
	};

	return HAS_ONE(error, words) || (has(error, "model requires") &&
	    has(error, "available"));
}

/* What an error text means, wherever it came. */
static enum failure_code
meaning(const char *error, bool *retry)
{
	static const char *const	restarts[] = {
		/* The next request starts the runner anew. */
		"process has terminated", "process no longer running",
		"runner has unexpectedly stopped", "unexpected server status",
		"health resp", "error starting llama-server",
		"reported out-of-memory", "timed out waiting",
		"runner failed", "encountered while running the model",
		"error reading llama-server", "server overloaded",
	}, *const			rejected[] = {
		"must be of type", "invalid format", "incompatible with",
		"model requires", "does not support",
	};

	*retry = false;
	if (is_too_long(error))
		return FAILURE_PROMPT_TOO_LONG;
	if (!is_memory(error) && HAS_ONE(error, rejected))
		return FAILURE_UPSTREAM_REJECTED;
	*retry = HAS_ONE(error, restarts);
	return FAILURE_UPSTREAM_ERROR;
}

/* Appends the text of a member, if it is there; false if it is no text.  Null
 * is nothing: gateways write it. */
static bool
append(const struct json *j, int object, const char *name, struct buf *b)
{
	int	value = json_member(j, object, name);

	if (value == -1 || json_type(j, value) == JSON_NULL)
		return true;
	return json_string(j, value, false, b) == 0;
}

/* Eleven days in nanoseconds. */
#define FIGURE_MAX	INT64_C(1000000000000000)

/* A count or, in nanoseconds, a time of the done line. */
static int64_t
figure(const struct json *j, const char *name, int64_t unit)
{
	int64_t	n = json_int(j, json_member(j, 0, name), 0);

	/* What no model counts to would end the sums of reports. */
	return n < 0 ? 0 : n > FIGURE_MAX ? FIGURE_MAX / unit : n / unit;
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

	if (json_string(j, error, false, &text) == -1 || text.data == NULL) {
		l->failure = failure_make(FAILURE_UPSTREAM_ERROR, NULL);
	} else {
		l->failure = failure_make(meaning(text.data, &l->retry),
		    is_memory(text.data) ? FAILURE_MEMORY : "200");
		(void)snprintf(l->reason, sizeof(l->reason), "%.*s",
		    (int)utf8_cut(text.data, text.len, sizeof(l->reason) - 1),
		    text.data);
	}
	buf_free(&text);
}

/* A line that Ollama would not send. */
static void
invalid(struct ollama_line *l, const char *why)
{
	l->failure = failure_make(FAILURE_UPSTREAM_INVALID, NULL);
	(void)snprintf(l->reason, sizeof(l->reason), "%s", why);
}

void
ollama_read(struct ollama_line *l, enum url_api api, const char *line,
    size_t len, struct json *j, struct buf *text, struct cost *cost)
{
	struct buf	thoughts = BUF_INIT(UPSTREAM_LINE_MAX);
	int		where = 0, done, error;
	const char	*name = "response";
	bool		good;

	memset(l, 0, sizeof(*l));
	if (json_parse(j, line, len, UPSTREAM_DEPTH, UPSTREAM_TOKENS) == -1 ||
	    json_type(j, 0) != JSON_OBJECT) {
		invalid(l, len > 5 && memcmp(line, "data:", 5) == 0 ?
		    "it serves /v1 (llama-server?), not Ollama's /api" :
		    "a line that is not a JSON object");
		return;
	}
	error = json_member(j, 0, "error");
	done = json_member(j, 0, "done");
	/* Some gateways write the member into every line. */
	if (error != -1 && json_type(j, error) != JSON_NULL && (done == -1 ||
	    !json_equals(j, error, ""))) {
		read_error(l, j, error_member(j));
		return;
	}
	if (api == URL_CHAT) {
		where = json_member(j, 0, "message");
		name = "content";
	}
	good = (where == -1 || json_type(j, where) == JSON_OBJECT) &&
	    json_type(j, done) == JSON_BOOL && append(j, where, name,
	    text) && append(j, where, "thinking", &thoughts);
	if (!good) {
		invalid(l, "a line without the fields of an Ollama reply");
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
	bool			 memory;

	error_text(body, len, &text);
	error = text.data == NULL ? "" : text.data;
	memory = is_memory(error);
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
	    code == FAILURE_UPSTREAM_ERROR && memory ? FAILURE_MEMORY :
	    number);
}
