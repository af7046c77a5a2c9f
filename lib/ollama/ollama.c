/*
 * Ollama's API: the requests, the lines of an answer, refusals.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "json/json.h"
#include "json/jsonw.h"
#include "ollama/fault.h"
#include "ollama/ollama.h"

bool
ollama_text(const struct json *j, int object, const char *name, struct buf *b)
{
	int	value = json_member(j, object, name);

	if (value == -1 || json_type(j, value) == JSON_NULL)
		return true;
	return json_string(j, value, false, b) == 0;
}

/* Eleven days in nanoseconds. */
#define FIGURE_MAX	INT64_C(1000000000000000)

/* A count, or a time in nanoseconds divided by `unit', of the last line. */
static int64_t
figure(const struct json *j, const char *name, int64_t unit)
{
	int64_t	n = json_int(j, json_member(j, 0, name), 0);

	/* A larger figure is wrong, and would overflow the sums in reports. */
	return n < 0 ? 0 : n > FIGURE_MAX ? FIGURE_MAX / unit : n / unit;
}

static void
read_cost(const struct json *j, struct cost *c)
{
	struct buf	reason = BUF_INIT(sizeof(c->done_reason) - 1);

	(void)snprintf(c->done_reason, sizeof(c->done_reason), "stop");
	if (ollama_text(j, 0, "done_reason", &reason) && reason.len > 0)
		(void)snprintf(c->done_reason, sizeof(c->done_reason), "%s",
		    reason.data);
	buf_free(&reason);
	c->prompt_tokens = figure(j, "prompt_eval_count", 1);
	c->answer_tokens = figure(j, "eval_count", 1);
	c->load = figure(j, "load_duration", 1000000);
	c->prompt = figure(j, "prompt_eval_duration", 1000000);
	c->answer = figure(j, "eval_duration", 1000000);
}

/* The value of `error', a string or an object that holds one; or -1. */
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
		l->failure = failure_make(fault_meaning(text.data,
		    &l->retry), fault_memory(text.data) ? FAILURE_MEMORY :
		    "200");
		(void)snprintf(l->reason, sizeof(l->reason), "%.*s",
		    (int)utf8_cut(text.data, text.len, sizeof(l->reason) - 1),
		    text.data);
	}
	buf_free(&text);
}

/* Sets the failure for a line that Ollama would not send. */
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
	/* Some gateways write an empty `error' into every line. */
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
	    json_type(j, done) == JSON_BOOL && ollama_text(j, where, name,
	    text) && ollama_text(j, where, "thinking", &thoughts);
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

/* Appends the error text of a body, if it has one. */
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
	struct buf	text = BUF_INIT(UPSTREAM_BODY_MAX);
	struct failure	f;

	error_text(body, len, &text);
	f = fault_refusal(status, text.data == NULL ? "" : text.data, model,
	    retry);
	buf_free(&text);
	return f;
}

/* keep_alive is a number of seconds or a duration like "30m". */
static void
write_keep_alive(struct jsonw *w, const char *value)
{
	char	*end;
	long	 n;

	n = strtol(value, &end, 10);
	if (*end == '\0')
		jsonw_int(w, "keep_alive", n);
	else
		jsonw_text(w, "keep_alive", value);
}

static void
write_think(struct jsonw *w, const char *value)
{
	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		jsonw_trusted(w, "think", value);
	else if (strcmp(value, "server") != 0)
		jsonw_text(w, "think", value);
}

void
ollama_message(struct jsonw *w, const char *role, const char *text, size_t len)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "role", role);
	jsonw_string(w, "content", text, len);
	jsonw_close(w);
}

/* Whether the options, a JSON object, say how long an answer may be. */
static bool
has_limit(const char *options)
{
	struct json	j = { 0 };
	int		value = -1;
	bool		has;

	if (json_parse(&j, options, strlen(options), MESSAGE_DEPTH,
	    MESSAGE_TOKENS) == 0)
		value = json_member(&j, 0, "num_predict");
	/*
	 * Ollama ignores a null, and then nothing limits the answer; of two
	 * members it uses the later one.
	 */
	has = value != -1 && json_type(&j, value) != JSON_NULL;
	json_free(&j);
	return has;
}

int
ollama_limit(const struct settings *s)
{
	return strcmp(s->text[SETTING_OLLAMA_THINK], "false") == 0 ?
	    PREDICT_MAX : PREDICT_MAX_THINKING;
}

/*
 * Writes OLLAMA_OPTIONS. If `limited', and they do not limit the answer, adds a
 * limit.
 */
static void
write_options(struct jsonw *w, const struct settings *s, bool limited)
{
	const char	*options = s->text[SETTING_OLLAMA_OPTIONS], *end;
	struct buf	 b = BUF_INIT(SETTING_MAX + 64);
	const char	*limit = ollama_limit(s) == PREDICT_MAX ?
			    "\"num_predict\":" LIMIT_TEXT(PREDICT_MAX) "}" :
			    "\"num_predict\":" LIMIT_TEXT(PREDICT_MAX_THINKING)
			    "}";

	if (!limited || (*options != '\0' && has_limit(options))) {
		if (*options != '\0')
			jsonw_trusted(w, "options", options);
		return;
	}
	/*
	 * Insert the limit in front of the last brace, with a comma unless the
	 * object is empty.
	 */
	options = *options == '\0' ? "{}" : options;
	for (end = strrchr(options, '}'); end > options &&
	    strchr(" \t\r\n", end[-1]) != NULL; )
		end--;
	if (buf_add(&b, options, (size_t)(end - options)) == -1 ||
	    (end[-1] != '{' && buf_puts(&b, ",") == -1) ||
	    buf_puts(&b, limit) == -1)
		w->failed = true;
	else
		jsonw_trusted(w, "options", b.data);
	buf_free(&b);
}

/*
 * Writes how long the model stays loaded and the options; `question' says
 * whether this is a question, whose answer is limited.
 */
static void
write_settings(struct jsonw *w, const struct settings *s, bool question)
{
	if (*s->text[SETTING_OLLAMA_KEEP_ALIVE] != '\0')
		write_keep_alive(w, s->text[SETTING_OLLAMA_KEEP_ALIVE]);
	write_options(w, s, question);
}

int
ollama_request(struct buf *b, const struct settings *s, enum url_api api,
    const char *model, const struct prompt *p)
{
	const char			*system = p->system;
	const struct prompt_message	*m = p->messages;
	struct jsonw			 w;

	jsonw_begin(&w, b);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "model", model);
	/*
	 * The texts that never change come first: Ollama caches a prompt's
	 * prefix.
	 */
	if (api == URL_CHAT) {
		jsonw_array(&w, "messages");
		if (*system != '\0')
			ollama_message(&w, "system", system, strlen(system));
		for (; m < p->messages + p->count; m++)
			ollama_message(&w, m->model ? "assistant" : "user",
			    m->text.data, m->text.len);
		jsonw_close(&w);
	} else {
		if (*system != '\0')
			jsonw_text(&w, "system", system);
		jsonw_string(&w, "prompt", m->text.data, m->text.len);
	}
	jsonw_bool(&w, "stream", true);
	jsonw_bool(&w, "truncate", false);
	write_think(&w, s->text[SETTING_OLLAMA_THINK]);
	write_settings(&w, s, true);
	return jsonw_end(&w, false);
}

int
ollama_load(struct buf *b, const struct settings *s, const char *model)
{
	struct jsonw	w;

	jsonw_begin(&w, b);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "model", model);
	jsonw_bool(&w, "stream", false);
	write_settings(&w, s, false);
	return jsonw_end(&w, false);
}
