/*
 * Reads a client's message: JSON to struct request.
 */
#include <errno.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "json/json.h"
#include "request/request.h"

enum { COMMENT_MAX = 2000 };	/* bytes: a few sentences */

enum field {
	FIELD_TYPE, FIELD_BODY, FIELD_REFRESH, FIELD_STATUS, FIELD_TOKEN,
	FIELD_LANG, FIELD_VERSION, FIELD_INSTRUCTION,
	FIELD_SESSION, FIELD_GOOD, FIELD_REASON, FIELD_COMMENT, FIELD_RESPONSE,
	FIELD_QUESTION, FIELD_THREAD, FIELD_SOURCES,
	FIELD__MAX
};

/* The types of messages that have a field: a bit for each. */
#define IN(type)	(1U << (type))
#define IN_EVERY	(~0U)

/*
 * If a field is present, it must have its type, even if it is not used.  In
 * messages of a type that does not have the field its name is unknown.
 */
static const struct {
	const char	*name;
	enum json_type	 type;
	unsigned	 in;
} fields[FIELD__MAX] = {
	[FIELD_TYPE] = { "type", JSON_STRING, IN_EVERY },
	[FIELD_BODY] = { "ticketBody", JSON_STRING, IN_EVERY },
	[FIELD_REFRESH] = { "refresh", JSON_BOOL, IN_EVERY },
	[FIELD_STATUS] = { "status", JSON_BOOL, IN_EVERY },
	[FIELD_TOKEN] = { "token", JSON_STRING, IN_EVERY },
	[FIELD_LANG] = { "lang", JSON_STRING, IN_EVERY },
	[FIELD_VERSION] = { "version", JSON_NUMBER, IN_EVERY },
	[FIELD_INSTRUCTION] = { "instruction", JSON_STRING,
	    IN(REQUEST_ASK) | IN(REQUEST_QUESTION) },
	[FIELD_SESSION] = { "session", JSON_NUMBER,
	    IN(REQUEST_RATE) | IN(REQUEST_WRITE) | IN(REQUEST_QUESTION) },
	[FIELD_GOOD] = { "good", JSON_BOOL, IN(REQUEST_RATE) },
	[FIELD_REASON] = { "reason", JSON_STRING, IN(REQUEST_RATE) },
	[FIELD_COMMENT] = { "comment", JSON_STRING, IN(REQUEST_RATE) },
	[FIELD_RESPONSE] = { "response", JSON_STRING, IN(REQUEST_WRITE) },
	[FIELD_QUESTION] = { "question", JSON_STRING, IN(REQUEST_QUESTION) },
	[FIELD_THREAD] = { "thread", JSON_BOOL,
	    IN(REQUEST_ASK) | IN(REQUEST_OPEN) | IN(REQUEST_QUESTION) },
	[FIELD_SOURCES] = { "sources", JSON_BOOL,
	    IN(REQUEST_ASK) | IN(REQUEST_OPEN) | IN(REQUEST_QUESTION) },
};

/* The names of the types; an ASK and a QUESTION have none. */
static const struct {
	const char		*name;
	enum request_type	 type;
} types[] = {
	{ "stop", REQUEST_STOP }, { "ping", REQUEST_PING },
	{ "open", REQUEST_OPEN }, { "rate", REQUEST_RATE },
	{ "write", REQUEST_WRITE },
};

/* The reasons for which an answer is not good. */
static const char *const	reasons[] = {
	"wrong", "incomplete", "unsafe", "language", "other"
};

static void
request_do_refuse(struct request *r, enum failure_code code, const char *detail)
{
	r->failure = failure_make(code, detail);
}

/* Refuses the request for a cause that has its own words. */
static void
request_wrong(struct request *r, enum failure_code code, const char *detail,
    enum failure_cause cause)
{
	request_do_refuse(r, code, detail);
	r->failure.cause = cause;
}

/* Refuses a field whose value is not allowed. */
static void
request_refuse_field(struct request *r, enum field f)
{
	if (r->failure.code == FAILURE_NONE)
		request_do_refuse(r, FAILURE_BAD_REQUEST, fields[f].name);
}

/*
 * Finds the fields of the message's type; refuses wrong types and repeated
 * names.  A null counts as absent.
 */
static void
request_find(struct request *r, const struct json *j, int value[FIELD__MAX])
{
	size_t	i;

	for (i = 0; i < FIELD__MAX; i++) {
		value[i] = -1;
		if ((fields[i].in & IN(r->type)) == 0)
			continue;
		value[i] = json_member(j, 0, fields[i].name);
		if (json_type(j, value[i]) == JSON_NULL)
			value[i] = -1;
		if (value[i] != -1 &&
		    json_type(j, value[i]) != fields[i].type &&
		    r->failure.code == FAILURE_NONE)
			request_wrong(r, FAILURE_BAD_REQUEST, fields[i].name,
			    value[i] == -2 ? FAILURE_REPEATED :
			    FAILURE_TYPE);
	}
}

/*
 * Reads the type.  An unknown type is refused later, so that the other fields
 * are checked first.
 */
static bool
request_read_type(struct request *r, const struct json *j)
{
	const int	value = json_member(j, 0, fields[FIELD_TYPE].name);
	int		question;
	size_t		i;

	r->type = REQUEST_ASK;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (json_equals(j, value, types[i].name)) {
			r->type = types[i].type;
			return true;
		}
	}
	if (value != -1 && json_type(j, value) != JSON_NULL)
		return false;
	question = json_member(j, 0, fields[FIELD_QUESTION].name);
	if (question != -1 && json_type(j, question) != JSON_NULL)
		r->type = REQUEST_QUESTION;
	return true;
}

/* Reads a text into a buffer, whose cap is set. */
static void
request_read_text(struct request *r, const struct json *j, enum field f,
    int value, struct buf *text)
{
	const char	*name = fields[f].name;

	if (json_string(j, value, true, text) == -1) {
		if (errno == EILSEQ)
			request_wrong(r, FAILURE_BAD_JSON, NULL,
			    FAILURE_HALF_PAIR);
		else if (errno != EMSGSIZE)
			request_do_refuse(r, FAILURE_INTERNAL, NULL);
		else
			r->failure = failure_too_large(text->cap,
			    f == FIELD_BODY ? FAILURE_USUAL : FAILURE_TEXT);
	} else if (text->len > 0 &&
	    memchr(text->data, '\0', text->len) != NULL) {
		request_wrong(r, FAILURE_BAD_REQUEST, name, FAILURE_NUL);
	}
}

/* As request_read_text, of a text that must not be blank. */
static void
request_read_body(struct request *r, const struct json *j, enum field f,
    int value, struct buf *text)
{
	if (value == -1) {
		request_wrong(r, FAILURE_BAD_REQUEST, fields[f].name,
		    FAILURE_MISSING);
		return;
	}
	request_read_text(r, j, f, value, text);
	if (r->failure.code == FAILURE_NONE &&
	    utf8_blank(text->data, text->len))
		request_wrong(r, FAILURE_BAD_REQUEST, fields[f].name,
		    FAILURE_BLANK);
}

/* Reads the user's rating of an answer. */
static void
request_read_rating(struct request *r, const struct json *j,
    const int value[FIELD__MAX])
{
	size_t	i;

	r->reason = "";
	if (value[FIELD_GOOD] == -1)
		request_wrong(r, FAILURE_BAD_REQUEST, fields[FIELD_GOOD].name,
		    FAILURE_MISSING);
	r->good = json_true(j, value[FIELD_GOOD]);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (json_equals(j, value[FIELD_REASON], reasons[i]))
			r->reason = reasons[i];
	}
	if (value[FIELD_REASON] != -1 && *r->reason == '\0')
		request_refuse_field(r, FIELD_REASON);
	r->body.cap = COMMENT_MAX;
	if (r->failure.code == FAILURE_NONE && value[FIELD_COMMENT] != -1)
		request_read_text(r, j, FIELD_COMMENT, value[FIELD_COMMENT],
		    &r->body);
}

/* Reads the hint for a new answer. */
static void
request_read_instruction(struct request *r, const struct json *j, int value)
{
	if (!r->refresh)
		request_refuse_field(r, FIELD_INSTRUCTION);
	if (r->failure.code == FAILURE_NONE)
		request_read_body(r, j, FIELD_INSTRUCTION, value,
		    &r->instruction);
}

/* Read first, because a failure in another field is reported in it. */
static void
request_read_language(struct request *r, const struct json *j, int value)
{
	struct buf	b = BUF_INIT(LANG_MAX);
	enum language	l;

	if (json_string(j, value, true, &b) == 0 && b.data != NULL &&
	    (l = language_of(b.data)) != LANGUAGE__MAX)
		r->language = l;
	buf_free(&b);
}

/* Reads the texts that belong to the message's type. */
static void
request_read_texts(struct request *r, const struct json *j,
    const int value[FIELD__MAX], size_t len)
{
	if (r->failure.code != FAILURE_NONE)
		return;
	if (r->type == REQUEST_ASK) {
		request_read_body(r, j, FIELD_BODY, value[FIELD_BODY],
		    &r->body);
	} else if (r->type == REQUEST_RATE) {
		request_read_rating(r, j, value);
	} else if (r->type == REQUEST_WRITE) {
		r->body.cap = len;
		request_read_body(r, j, FIELD_RESPONSE, value[FIELD_RESPONSE],
		    &r->body);
	} else if (r->type == REQUEST_QUESTION) {
		r->body.cap = QUESTION_MAX;
		request_read_body(r, j, FIELD_QUESTION, value[FIELD_QUESTION],
		    &r->body);
		/* It is about an answer that is there, not about a text. */
		if (value[FIELD_BODY] != -1)
			request_refuse_field(r, FIELD_BODY);
		if (json_true(j, value[FIELD_REFRESH]))
			request_refuse_field(r, FIELD_REFRESH);
	}
}

static void
request_read_fields(struct request *r, const struct json *j, size_t len)
{
	int	value[FIELD__MAX];
	bool	known;

	if (json_type(j, 0) != JSON_OBJECT) {
		request_do_refuse(r, FAILURE_BAD_JSON, NULL);
		return;
	}
	known = request_read_type(r, j);
	request_find(r, j, value);
	request_read_language(r, j, value[FIELD_LANG]);
	if (!known)
		request_refuse_field(r, FIELD_TYPE);
	request_read_texts(r, j, value, len);
	if (r->failure.code == FAILURE_NONE && value[FIELD_TOKEN] != -1 &&
	    json_string(j, value[FIELD_TOKEN], true, &r->token) == -1)
		request_refuse_field(r, FIELD_TOKEN);
	r->version = json_int(j, value[FIELD_VERSION], 0);
	if (value[FIELD_VERSION] != -1 && r->version < 1)
		request_refuse_field(r, FIELD_VERSION);
	r->session = json_int(j, value[FIELD_SESSION], 0);
	if (value[FIELD_SESSION] != -1 && r->session < 1)
		request_refuse_field(r, FIELD_SESSION);
	r->refresh = json_true(j, value[FIELD_REFRESH]);
	if (value[FIELD_INSTRUCTION] != -1)
		request_read_instruction(r, j, value[FIELD_INSTRUCTION]);
	r->sessions = (r->type != REQUEST_ASK && r->type != REQUEST_STOP &&
	    r->type != REQUEST_PING) || r->instruction.len > 0 ||
	    value[FIELD_THREAD] != -1 || value[FIELD_SOURCES] != -1;
	r->status = json_true(j, value[FIELD_STATUS]);
	r->thread = json_true(j, value[FIELD_THREAD]);
	r->sources = json_true(j, value[FIELD_SOURCES]);
}

static void
request_begin(struct request *r, size_t max_body, enum language language)
{
	memset(r, 0, sizeof(*r));
	r->language = language;
	r->body.cap = max_body;
	r->instruction.cap = INSTRUCTION_MAX;
	r->token.cap = TOKEN_MAX;
}

void
request_read(struct request *r, const char *text, size_t len, size_t max_body,
    enum language language)
{
	static const char	bom[] = "\xef\xbb\xbf";
	struct json		j = { 0 };

	request_begin(r, max_body, language);
	if (len >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (json_parse(&j, text, len, MESSAGE_DEPTH, MESSAGE_TOKENS) == 0)
		request_read_fields(r, &j, len);
	else if (errno == E2BIG)	/* not the depth: message.c checks it */
		request_wrong(r, FAILURE_BAD_JSON, NULL, FAILURE_MANY_VALUES);
	else
		request_do_refuse(r, errno == ENOMEM ? FAILURE_INTERNAL :
		    FAILURE_BAD_JSON, NULL);
	json_free(&j);
}

size_t
request_message_max(const struct settings *s)
{
	const int64_t	answer = s->number[SETTING_WRITE] == WRITE_ON ?
			    s->number[SETTING_MAX_ANSWER_BYTES] : 0;
	int64_t		max = (int64_t)settings_ticket_max(s);

	max = max < QUESTION_MAX ? QUESTION_MAX : max;
	return MESSAGE_MAX((size_t)(answer > max ? answer : max));
}

void
request_refuse(struct request *r, enum failure_code code, size_t max_body,
    enum language language)
{
	request_begin(r, max_body, language);
	if (code == FAILURE_TOO_LARGE)
		r->failure = failure_too_large(max_body, FAILURE_USUAL);
	else
		request_do_refuse(r, code, NULL);
}

void
request_free(struct request *r)
{
	buf_free(&r->body);
	buf_free(&r->instruction);
	buf_free(&r->token);
}
