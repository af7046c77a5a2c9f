/*
 * Reads a client's message: JSON to struct request.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "json/json.h"
#include "request/request.h"

enum field {
	FIELD_TYPE, FIELD_BODY, FIELD_REFRESH, FIELD_STATUS, FIELD_TOKEN,
	FIELD_LANG, FIELD_VERSION,
	FIELD__MAX
};

/* If a field is present, it must have its type, even if it is not used. */
static const struct {
	const char	*name;
	enum json_type	 type;
} fields[FIELD__MAX] = {
	[FIELD_TYPE] = { "type", JSON_STRING },
	[FIELD_BODY] = { "ticketBody", JSON_STRING },
	[FIELD_REFRESH] = { "refresh", JSON_BOOL },
	[FIELD_STATUS] = { "status", JSON_BOOL },
	[FIELD_TOKEN] = { "token", JSON_STRING },
	[FIELD_LANG] = { "lang", JSON_STRING },
	[FIELD_VERSION] = { "version", JSON_NUMBER },
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

static void
request_refuse_size(struct request *r)
{
	char	limit[32];

	(void)snprintf(limit, sizeof(limit), "%zu", r->body.cap);
	request_do_refuse(r, FAILURE_TOO_LARGE, limit);
}

/*
 * Finds all fields; refuses wrong types and repeated names.  A null counts as
 * absent.
 */
static void
request_find(struct request *r, const struct json *j, int value[FIELD__MAX])
{
	size_t	i;

	for (i = 0; i < FIELD__MAX; i++) {
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

static void
request_read_type(struct request *r, const struct json *j, int value)
{
	if (value == -1)
		r->type = REQUEST_ASK;
	else if (json_equals(j, value, "stop"))
		r->type = REQUEST_STOP;
	else if (json_equals(j, value, "ping"))
		r->type = REQUEST_PING;
	else if (json_equals(j, value, "open"))
		r->type = REQUEST_OPEN;
	else
		request_do_refuse(
		    r, FAILURE_BAD_REQUEST, fields[FIELD_TYPE].name);
}

static void
request_read_body(struct request *r, const struct json *j, int value)
{
	if (value == -1) {
		request_wrong(r, FAILURE_BAD_REQUEST, fields[FIELD_BODY].name,
		    FAILURE_MISSING);
	} else if (json_string(j, value, true, &r->body) == -1) {
		if (errno == EILSEQ)
			request_wrong(r, FAILURE_BAD_JSON, NULL,
			    FAILURE_HALF_PAIR);
		else if (errno == EMSGSIZE)
			request_refuse_size(r);
		else
			request_do_refuse(r, FAILURE_INTERNAL, NULL);
	} else if (r->body.len > 0 &&
	    memchr(r->body.data, '\0', r->body.len) != NULL) {
		request_wrong(r, FAILURE_BAD_REQUEST, fields[FIELD_BODY].name,
		    FAILURE_NUL);
	} else if (utf8_blank(r->body.data, r->body.len)) {
		request_wrong(r, FAILURE_BAD_REQUEST, fields[FIELD_BODY].name,
		    FAILURE_BLANK);
	}
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

static void
request_read_fields(struct request *r, const struct json *j)
{
	int	value[FIELD__MAX];

	if (json_type(j, 0) != JSON_OBJECT) {
		request_do_refuse(r, FAILURE_BAD_JSON, NULL);
		return;
	}
	request_find(r, j, value);
	request_read_language(r, j, value[FIELD_LANG]);
	if (r->failure.code == FAILURE_NONE)
		request_read_type(r, j, value[FIELD_TYPE]);
	if (r->failure.code == FAILURE_NONE && r->type == REQUEST_ASK)
		request_read_body(r, j, value[FIELD_BODY]);
	if (r->failure.code == FAILURE_NONE && value[FIELD_TOKEN] != -1 &&
	    json_string(j, value[FIELD_TOKEN], true, &r->token) == -1)
		request_do_refuse(
		    r, FAILURE_BAD_REQUEST, fields[FIELD_TOKEN].name);
	r->version = json_int(j, value[FIELD_VERSION], 0);
	if (r->failure.code == FAILURE_NONE && value[FIELD_VERSION] != -1 &&
	    r->version < 1)
		request_do_refuse(
		    r, FAILURE_BAD_REQUEST, fields[FIELD_VERSION].name);
	r->refresh = r->type == REQUEST_ASK &&
	    json_true(j, value[FIELD_REFRESH]);
	r->sessions = r->type == REQUEST_OPEN;
	r->status = json_true(j, value[FIELD_STATUS]);
}

static void
request_begin(struct request *r, size_t max_body, enum language language)
{
	memset(r, 0, sizeof(*r));
	r->language = language;
	r->body.cap = max_body;
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
		request_read_fields(r, &j);
	else if (errno == E2BIG)	/* not the depth: message.c checks it */
		request_wrong(r, FAILURE_BAD_JSON, NULL, FAILURE_MANY_VALUES);
	else
		request_do_refuse(r, errno == ENOMEM ? FAILURE_INTERNAL :
		    FAILURE_BAD_JSON, NULL);
	json_free(&j);
}

void
request_refuse(struct request *r, enum failure_code code, size_t max_body,
    enum language language)
{
	request_begin(r, max_body, language);
	if (code == FAILURE_TOO_LARGE)
		request_refuse_size(r);
	else
		request_do_refuse(r, code, NULL);
}

void
request_free(struct request *r)
{
	buf_free(&r->body);
	buf_free(&r->token);
}
