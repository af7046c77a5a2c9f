/*
 * OpenAI's API: the requests, the events of an answer, refusals.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "json/json.h"
#include "json/jsonw.h"
#include "ollama/fault.h"
#include "ollama/openai.h"

/* Lines of one event; no known server uses more than one. */
#define OPENAI_LINES	64

/* The options that OpenAI's dialect has under the same name. */
static const char *const	openai_same[] = {
	"temperature", "top_p", "seed", "stop",
};
#define OPENAI_SAME	(sizeof(openai_same) / sizeof(openai_same[0]))

void
openai_begin(struct openai_stream *s, struct cost *c)
{
	buf_clear(&s->held);
	s->lines = 0;
	s->finished = s->promised = s->spoke = false;
	c->done_reason[0] = '\0';
	c->prompt_tokens = c->answer_tokens = 0;
	c->load = c->prompt = c->answer = 0;
}

/* The last member of this name, which is the one that counts for Ollama; -1 if
   there is none, or if it is null. */
static int
openai_option(const struct json *j, const char *name)
{
	int	found = -1, n = -1;

	while ((n = json_name(j, 0, n)) != -1) {
		if (json_equals(j, n, name))
			found = n + 1;
	}
	return json_type(j, found) == JSON_NULL ? -1 : found;
}

/* Copies a value of the options as it is written. */
static void
openai_copy(struct jsonw *w, const char *name, const struct json *j, int value)
{
	struct buf	b = BUF_INIT(SETTING_MAX + 2);
	const bool	quoted = json_type(j, value) == JSON_STRING;
	const char	*raw;
	size_t		 len;

	raw = json_raw(j, value, &len);
	if ((quoted && buf_puts(&b, "\"") == -1) ||
	    buf_add(&b, raw, len) == -1 || (quoted && buf_puts(&b, "\"") == -1))
		w->failed = true;
	else
		jsonw_trusted(w, name, b.data);
	buf_free(&b);
}

/* Writes the options; num_predict below 0 is Ollama's word for no limit. */
static void
openai_options(struct jsonw *w, const struct settings *s, unsigned refuses)
{
	const char	*text = s->text[SETTING_OLLAMA_OPTIONS];
	const char	*name = refuses & OPENAI_COMPLETION_TOKENS ?
			    "max_completion_tokens" : "max_tokens";
	int64_t		 limit = 0;
	struct json	 j = { 0 };
	size_t		 i;
	int		 value;

	if (*text != '\0' && json_parse(&j, text, strlen(text), MESSAGE_DEPTH,
	    MESSAGE_TOKENS) == 0) {
		for (i = 0; i < OPENAI_SAME; i++) {
			value = openai_option(&j, openai_same[i]);
			if (value != -1)
				openai_copy(w, openai_same[i], &j, value);
		}
		limit = json_int(&j, openai_option(&j, "num_predict"), 0);
	}
	if (limit >= 0 && (refuses & OPENAI_NO_LIMIT) == 0)
		jsonw_int(w, name, limit == 0 ? ollama_limit(s) : limit);
	json_free(&j);
}

int
openai_left_out(const struct settings *s, struct buf *b)
{
	const char	*text = s->text[SETTING_OLLAMA_OPTIONS];
	const size_t	 begun = b->len;
	struct json	 j = { 0 };
	size_t		 i;
	int		 name = -1, rc = 0;

	if (*text != '\0' && json_parse(&j, text, strlen(text), MESSAGE_DEPTH,
	    MESSAGE_TOKENS) == 0) {
		while (rc == 0 && (name = json_name(&j, 0, name)) != -1) {
			for (i = 0; i < OPENAI_SAME && !json_equals(&j, name,
			    openai_same[i]); i++)
				;
			if (i < OPENAI_SAME ||
			    json_equals(&j, name, "num_predict"))
				continue;
			if ((b->len > begun && buf_puts(b, ", ") == -1) ||
			    json_string(&j, name, false, b) == -1)
				rc = -1;
		}
	}
	json_free(&j);
	return rc;
}

/* Writes the system prompt and the first message as one. */
static void
openai_joined(struct jsonw *w, const char *system,
    const struct prompt_message *m)
{
	struct buf	b = BUF_INIT(strlen(system) + m->text.len + 3);

	if (buf_puts(&b, system) == -1 || buf_puts(&b, "\n\n") == -1 ||
	    buf_add(&b, m->text.data, m->text.len) == -1)
		w->failed = true;
	else
		ollama_message(w, "user", b.data, b.len);
	buf_free(&b);
}

int
openai_request(struct buf *b, const struct settings *s, unsigned refuses,
    const char *model, const struct prompt *p)
{
	const struct prompt_message	*m = p->messages;
	const char			*system = p->system;
	struct jsonw			 w;

	jsonw_begin(&w, b);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "model", model);
	jsonw_array(&w, "messages");
	if (*system != '\0' && (refuses & OPENAI_NO_SYSTEM) == 0)
		ollama_message(&w, "system", system, strlen(system));
	else if (*system != '\0')
		openai_joined(&w, system, m++);
	for (; m < p->messages + p->count; m++)
		ollama_message(&w, m->model ? "assistant" : "user",
		    m->text.data, m->text.len);
	jsonw_close(&w);
	jsonw_bool(&w, "stream", true);
	if ((refuses & OPENAI_NO_OPTIONS) == 0) {
		jsonw_object(&w, "stream_options");
		jsonw_bool(&w, "include_usage", true);
		jsonw_close(&w);
	}
	openai_options(&w, s, refuses);
	return jsonw_end(&w, false);
}

/* Appends a string behind a space; what is no string, or is too long, is left
   out. */
static void
openai_add(const struct json *j, int value, struct buf *text)
{
	if (json_type(j, value) != JSON_STRING ||
	    (text->len > 0 && buf_puts(text, " ") == -1) ||
	    json_string(j, value, false, text) == -1)
		return;
}

/* Appends the words of an error: a string, an object, or a list of them as
   FastAPI's {"detail":[{"loc":["body","max_tokens"],"msg":"…"}]}. */
static void
openai_words(const struct json *j, int value, struct buf *text)
{
	static const char *const	members[] = { "message", "msg",
					    "type", "code" };
	size_t				i;
	int				e, loc, l;

	openai_add(j, value, text);
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		openai_add(j, json_member(j, value, members[i]), text);
	if (json_type(j, value) != JSON_ARRAY)
		return;
	for (e = json_first(j, value); e != -1; e = json_next(j, value, e)) {
		loc = json_member(j, e, "loc");
		if (json_type(j, loc) == JSON_ARRAY) {
			for (l = json_first(j, loc); l != -1;
			    l = json_next(j, loc, l))
				openai_add(j, l, text);
		}
		if (json_type(j, e) != JSON_ARRAY)
			openai_words(j, e, text);
	}
}

/* Whether a value is "", {} or []. */
static bool
openai_empty(const struct json *j, int value)
{
	const enum json_type	type = json_type(j, value);

	return type == JSON_OBJECT ? json_name(j, value, -1) == -1 :
	    type == JSON_ARRAY ? json_first(j, value) == -1 :
	    json_equals(j, value, "");
}

/*
 * Whether an object is an error; appends its words.  `named': it is known to be
 * one, and may be what is usually within `error'.
 */
static bool
openai_error(const struct json *j, bool named, struct buf *text)
{
	int	error = json_member(j, 0, "error"), detail;

	/* Some gateways write an empty `error' into every event. */
	if (error >= 0 && json_type(j, error) != JSON_NULL && (named ||
	    !openai_empty(j, error))) {
		openai_words(j, error, text);
		return true;
	}
	detail = json_member(j, 0, "detail");
	if (detail >= 0 && json_member(j, 0, "choices") == -1) {
		openai_words(j, detail, text);
		return true;
	}
	if (!named && !json_equals(j, json_member(j, 0, "object"), "error"))
		return false;
	openai_words(j, 0, text);
	return true;
}

/* Copies the beginning of an error's words. */
static void
openai_reason(char reason[200], const struct buf *text)
{
	(void)snprintf(reason, 200, "%.*s", text->data == NULL ? 0 :
	    (int)utf8_cut(text->data, text->len, 199),
	    text->data == NULL ? "" : text->data);
}

/* Sets the failure for an error within an answer. */
static void
openai_fail(struct ollama_line *l, const struct buf *text)
{
	const char	*error = text->data == NULL ? "" : text->data;

	l->failure = failure_make(fault_meaning(error, &l->retry),
	    fault_memory(error) ? FAILURE_MEMORY : "200");
	openai_reason(l->reason, text);
}

static void
openai_invalid(struct ollama_line *l, const char *why)
{
	l->failure = failure_make(FAILURE_UPSTREAM_INVALID, NULL);
	(void)snprintf(l->reason, sizeof(l->reason), "%s", why);
}

/* Whether a member is a text that is not empty. */
static bool
openai_has(const struct json *j, int object, const char *name)
{
	int	value = json_member(j, object, name);

	return json_type(j, value) == JSON_STRING && !json_equals(j, value,
	    "");
}

/* A count of tokens: never negative, and too small for sums to overflow. */
static int64_t
openai_count(const struct json *j, int object, const char *name)
{
	int64_t	n = json_int(j, json_member(j, object, name), 0);

	return n < 0 ? 0 : n > INT64_C(1000000000000) ?
	    INT64_C(1000000000000) : n;
}

/* Sets the failure for a text that the server did not write to its end. */
static void
openai_unfinished(struct ollama_line *l, const char *why)
{
	l->failure = failure_make(FAILURE_UPSTREAM_TRUNCATED, NULL);
	l->retry = true;
	(void)snprintf(l->reason, sizeof(l->reason), "%s", why);
}

/*
 * Reads the finish_reason of a choice.  A server that gives up names that, too:
 * the text is then not whole.
 */
static void
openai_finish(struct ollama_line *l, struct openai_stream *s,
    const struct json *j, int choice, struct cost *c)
{
	static const char *const	given_up[] = { "error", "abort",
					    "aborted", "cancelled",
					    "canceled" };
	struct buf	reason = BUF_INIT(sizeof(c->done_reason) - 1);
	int		value = json_member(j, choice, "finish_reason");
	bool		whole = json_type(j, value) == JSON_STRING;
	size_t		i;

	s->promised = s->promised || json_type(j, value) == JSON_NULL;
	if (value == -1 || json_type(j, value) == JSON_NULL ||
	    json_equals(j, value, ""))
		return;
	for (i = 0; i < sizeof(given_up) / sizeof(given_up[0]); i++)
		whole = whole && !json_equals(j, value, given_up[i]);
	s->finished = whole;
	if (!whole) {
		openai_unfinished(l, "the server gave up (its finish_reason)");
	} else if (ollama_text(j, choice, "finish_reason", &reason)) {
		(void)snprintf(c->done_reason, sizeof(c->done_reason), "%s",
		    reason.data);
	}
	buf_free(&reason);
}

/*
 * The object of a choice that may hold text: a piece, or, if it was not
 * streamed, all of it.  Some servers repeat the whole text at the end.
 */
static int
openai_piece(struct ollama_line *l, const struct openai_stream *s,
    const struct json *j, int choice)
{
	int	where = json_member(j, choice, "delta");

	if (where != -1 && json_type(j, where) != JSON_NULL)
		return where;
	where = json_member(j, choice, "message");
	if (json_type(j, where) == JSON_NULL || (s->spoke &&
	    json_type(j, where) == JSON_OBJECT))
		return -1;
	l->done = json_type(j, where) == JSON_OBJECT && (openai_has(j, where,
	    "content") || openai_has(j, choice, "finish_reason"));
	return where;
}

/* Reads choices[0]. */
static bool
openai_choice(struct ollama_line *l, struct openai_stream *s,
    const struct json *j, int choice, struct buf *text, struct cost *c)
{
	int	where;

	if (json_type(j, choice) != JSON_OBJECT)
		return false;
	where = openai_piece(l, s, j, choice);
	if (where != -1 && (json_type(j, where) != JSON_OBJECT ||
	    !ollama_text(j, where, "content", text)))
		return false;
	s->spoke = s->spoke || text->len > 0;
	l->thinking = openai_has(j, where, "reasoning_content") ||
	    openai_has(j, where, "reasoning");
	openai_finish(l, s, j, choice, c);
	return true;
}

/* Reads an object: an error, a piece of the answer, or its cost. */
static void
openai_object(struct ollama_line *l, struct openai_stream *s, bool error,
    const struct json *j, struct buf *text, struct cost *c)
{
	struct buf	words = BUF_INIT(UPSTREAM_BODY_MAX);
	int		choices = json_member(j, 0, "choices"), first;
	int		usage = json_member(j, 0, "usage");

	if (openai_error(j, error, &words)) {
		openai_fail(l, &words);
		buf_free(&words);
		return;
	}
	buf_free(&words);
	if (json_type(j, usage) == JSON_OBJECT) {
		c->prompt_tokens = openai_count(j, usage, "prompt_tokens");
		c->answer_tokens = openai_count(j, usage, "completion_tokens");
	}
	if (json_type(j, choices) == JSON_ARRAY) {
		first = json_first(j, choices);
		if (first == -1 || openai_choice(l, s, j, first, text, c))
			return;
	} else if (json_type(j, usage) == JSON_OBJECT &&
	    (choices == -1 || json_type(j, choices) == JSON_NULL)) {
		return;
	}
	openai_invalid(l, json_member(j, 0, "done") >= 0 ?
	    "it serves Ollama's /api here, not OpenAI's /v1" :
	    "an event without the fields of OpenAI's");
}

/* Whether a line has this field of an event; if so, moves to its value. */
static bool
openai_field(const char **line, size_t *len, const char *name)
{
	const size_t	n = strlen(name);

	if (*len < n || memcmp(*line, name, n) != 0)
		return false;
	*line += n;
	*len -= n;
	while (*len > 0 && **line == ' ') {
		(*line)++;
		(*len)--;
	}
	return true;
}

/* Whether a line is another field, `name: value', which has no meaning. */
static bool
openai_unknown(const char *line, size_t len)
{
	static const char	letters[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t			n = 0;

	while (n < len && line[n] != '\0' && strchr(letters, line[n]) != NULL)
		n++;
	return n > 0 && n < len && line[n] == ':';
}

/* Appends a line to the event that is held.  Returns false if that is too
   long. */
static bool
openai_hold(struct openai_stream *s, const char *line, size_t len)
{
	return s->lines++ < OPENAI_LINES && (s->held.len == 0 ||
	    buf_puts(&s->held, "\n") == 0) && buf_add(&s->held, line, len) == 0;
}

/* Reads the data of an event, which may have lines to come. */
static void
openai_data(struct ollama_line *l, struct openai_stream *s, const char *data,
    size_t len, struct json *j, struct buf *text, struct cost *c)
{
	const bool	more = s->held.len > 0;

	if (!more && len == 6 && memcmp(data, "[DONE]", 6) == 0) {
		/* llama-cpp-python breaks an answer off like this when it gets
		   another question. */
		l->done = s->finished || !s->promised;
		if (!l->done)
			openai_unfinished(l, "[DONE] without the finish_reason "
			    "that was to come");
		return;
	}
	if (more) {
		if (!openai_hold(s, data, len)) {
			openai_invalid(l, "an event that is too long");
			return;
		}
		data = s->held.data;
		len = s->held.len;
	}
	if (len > 0 && json_parse(j, data, len, UPSTREAM_DEPTH,
	    UPSTREAM_TOKENS) == 0) {
		if (json_type(j, 0) == JSON_OBJECT)
			openai_object(l, s, false, j, text, c);
		else
			openai_invalid(l, "an event that is no JSON object");
		buf_clear(&s->held);
		s->lines = 0;
	} else if (len > 0 && !more && !openai_hold(s, data, len)) {
		openai_invalid(l, "an event that is too long");
	}
}

/* Reads an `error: …' line of older llama-servers. */
static void
openai_error_line(struct ollama_line *l, struct openai_stream *s,
    const char *data, size_t len, struct json *j, struct buf *text,
    struct cost *c)
{
	struct buf	words = BUF_INIT(UPSTREAM_BODY_MAX);

	if (len > 0 && json_parse(j, data, len, UPSTREAM_DEPTH,
	    UPSTREAM_TOKENS) == 0 && json_type(j, 0) == JSON_OBJECT) {
		openai_object(l, s, true, j, text, c);
		return;
	}
	if (buf_add(&words, data, len < words.cap ? len : words.cap) == -1)
		buf_clear(&words);
	openai_fail(l, &words);
	buf_free(&words);
}

void
openai_read(struct ollama_line *l, struct openai_stream *s, const char *line,
    size_t len, struct json *j, struct buf *text, struct cost *c)
{
	memset(l, 0, sizeof(*l));
	if (len == 0) {
		if (s->held.len > 0)
			openai_invalid(l, "an event that is not JSON");
	} else if (*line == ':' || openai_field(&line, &len, "event:") ||
	    openai_field(&line, &len, "id:") ||
	    openai_field(&line, &len, "retry:")) {
		return;		/* a comment, or nothing that matters here */
	} else if (openai_field(&line, &len, "data:")) {
		openai_data(l, s, line, len, j, text, c);
	} else if (openai_field(&line, &len, "error:")) {
		openai_error_line(l, s, line, len, j, text, c);
	} else if (json_parse(j, line, len, UPSTREAM_DEPTH, UPSTREAM_TOKENS) ==
	    0 && json_type(j, 0) == JSON_OBJECT) {
		openai_object(l, s, false, j, text, c);
	} else if (!openai_unknown(line, len)) {
		openai_invalid(l, "a line that is no event of OpenAI's");
	}
	if (l->failure.code == FAILURE_NONE && (l->done || s->finished) &&
	    c->done_reason[0] == '\0')
		(void)snprintf(c->done_reason, sizeof(c->done_reason), "stop");
}

/* Whether an error says that the prompt fits, but not with so long an answer
   as the limit allows. */
static bool
openai_limit(const char *error)
{
	return fault_says(error, "in the completion") ||
	    (fault_says(error, "too large") && (fault_says(error,
	    "max_tokens") || fault_says(error, "max_completion_tokens")));
}

/* What of a request an error names as the reason. */
static unsigned
openai_named(long status, const char *error)
{
	unsigned	named = 0;

	if (openai_limit(error))
		return OPENAI_NO_LIMIT;
	if (fault_says(error, "max_tokens"))
		named |= OPENAI_COMPLETION_TOKENS;
	if (fault_says(error, "stream_options"))
		named |= OPENAI_NO_OPTIONS;
	/* "Internal system error …" of a 500 is not about the role. */
	if ((fault_says(error, "system") && (fault_says(error, "role") ||
	    (status != 500 && (fault_says(error, "message") ||
	    fault_says(error, "prompt") || fault_says(error,
	    "instruction"))))) ||
	    fault_says(error, "roles must alternate"))
		named |= OPENAI_NO_SYSTEM;
	return named;
}

void
openai_refuse(struct openai_refusal *r, long status, const char *body,
    size_t len, const char *model)
{
	struct buf	 text = BUF_INIT(UPSTREAM_BODY_MAX);
	struct json	 j = { 0 };
	const char	*error;
	bool		 missing;

	memset(r, 0, sizeof(*r));
	if (len > 0 && json_parse(&j, body, len, UPSTREAM_DEPTH,
	    UPSTREAM_TOKENS) == 0)
		(void)openai_error(&j, true, &text);
	json_free(&j);
	error = text.data == NULL ? "" : text.data;
	openai_reason(r->reason, &text);
	r->failure = fault_refusal(status, error, model, &r->retry);
	r->loading = status == 503 && fault_says(error, "loading");
	missing = fault_says(error, "model_not_found") ||
	    fault_says(error, "invalid model name") ||
	    (status == 404 && fault_says(error, "model"));
	if (status >= 400 && status < 500 && missing)
		r->failure = failure_make(FAILURE_MODEL_MISSING, model);
	else if (r->failure.code == FAILURE_MODEL_MISSING)
		/* Another path: {"detail":"Not Found"}. */
		r->failure = failure_make(FAILURE_UPSTREAM_REJECTED, "404");
	else if ((status == 400 || status == 422 || status == 500) &&
	    (r->failure.code != FAILURE_PROMPT_TOO_LONG ||
	    openai_limit(error)) && !fault_memory(error))
		r->refuses = openai_named(status, error);
	buf_free(&text);
}
