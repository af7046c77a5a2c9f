/*
 * Reads sessions from lines of JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <string.h>

#include "base/limit.h"
#include "base/link.h"
#include "base/utf8.h"
#include "store/record.h"
#include "store/store.h"

enum type {
	TICKET,		/* 1 to 2^63-1 */
	SESSION,	/* 1 to 2^62-1: leaves room for new ids above it */
	COUNT,		/* 0 to 2^63-1 */
	NUMBER,		/* 1 to SOURCES_MAX */
	FLAG,		/* 0 or 1 */
	TIME,		/* ISO 8601, UTC: 2026-11-23T12:18:14.398Z */
	ADDRESS,	/* that a page may link to: base/link.h */
	TITLE,		/* UTF-8 on one line, at most TITLE_MAX bytes */
	TEXT		/* UTF-8 */
};

static const struct {
	const char	*name;
	enum type	 type;
	bool		 null;		/* may be null */
} fields[RECORD__MAX] = {
	[RECORD_TICKET] = { "ticket", TICKET, false },
	[RECORD_TICKET_CREATED] = { "ticket_created", TIME, true },
	[RECORD_SESSION] = { "session", SESSION, true },
	[RECORD_CREATED] = { "created", TIME, true },
	[RECORD_ANSWERED] = { "answered", TIME, true },
	[RECORD_PROMPT] = { "prompt", TEXT, true },
	[RECORD_RESPONSE] = { "response", TEXT, true },
	[RECORD_MODEL] = { "model", TEXT, true },
	[RECORD_REASON] = { "reason", TEXT, true },
	[RECORD_PROMPT_TOKENS] = { "prompt_tokens", COUNT, true },
	[RECORD_ANSWER_TOKENS] = { "answer_tokens", COUNT, true },
	[RECORD_QUEUED_MS] = { "queued_ms", COUNT, true },
	[RECORD_FIRST_TOKEN_MS] = { "first_token_ms", COUNT, true },
	[RECORD_TOTAL_MS] = { "total_ms", COUNT, true },
	[RECORD_LOAD_MS] = { "load_ms", COUNT, true },
	[RECORD_PROMPT_MS] = { "prompt_ms", COUNT, true },
	[RECORD_ANSWER_MS] = { "answer_ms", COUNT, true },
	[RECORD_FOLLOWS] = { "follows", SESSION, true },
	[RECORD_INSTRUCTION] = { "instruction", TEXT, true },
	[RECORD_AUTHOR] = { "author", TEXT, true },
	[RECORD_MODEL_TEXT] = { "model_text", TEXT, true },
	[RECORD_PROMPT_HASH] = { "prompt_hash", TEXT, true },
	[RECORD_ASKED_BY] = { "asked_by", TEXT, true },
	[RECORD_SERVER] = { "server", TEXT, true },
	[RECORD_RATES] = { "rates", SESSION, false },
	[RECORD_USER] = { "user", TEXT, false },
	[RECORD_GOOD] = { "good", FLAG, false },
	[RECORD_WHY] = { "why", TEXT, true },
	[RECORD_COMMENT] = { "comment", TEXT, true },
	[RECORD_RATED] = { "rated", TIME, false },
	[RECORD_GIVEN] = { "given", SESSION, false },
	[RECORD_N] = { "n", NUMBER, false },
	[RECORD_NAME] = { "name", TEXT, false },
	[RECORD_TITLE] = { "title", TITLE, false },
	[RECORD_URL] = { "url", ADDRESS, true },
	[RECORD_FROM_TICKET] = { "from_ticket", TICKET, true },
	[RECORD_NOTE] = { "note", TEXT, false },
	[RECORD_CITED] = { "cited", FLAG, false },
};

bool
record_is_number(int f)
{
	return fields[f].type <= FLAG;
}

bool
record_is_optional(int f)
{
	return f >= RECORD_FOLLOWS && f < RECORD_RATES;
}

/* The number made of two digits. */
static int
record_two(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

/* Whether a date and time exist, since purge compares them. */
static bool
record_is_moment(const char *s)
{
	static const int	days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
				    31, 30, 31 };
	const int		year = record_two(s) * 100 + record_two(s + 2);
	const int		month = record_two(s + 5);
	const int		day = record_two(s + 8);
	const bool		leap = year % 4 == 0 && (year % 100 != 0 ||
				    year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 &&
	    day <= days[month - 1] + (month == 2 && leap) &&
	    record_two(s + 11) < 24 && record_two(s + 14) < 60 &&
	    record_two(s + 17) < 60;
}

/*
 * Whether a text is such as 2026-11-23T12:18:14Z, with or without a fraction of
 * a second.
 */
static bool
record_is_time(const char *s, size_t len)
{
	static const char	form[] = "dddd-dd-ddTdd:dd:dd";
	size_t			i;

	if (len < sizeof(form) || len > 30 || s[len - 1] != 'Z')
		return false;
	for (i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' :
		    s[i] != form[i])
			return false;
	}
	if (i < len - 1 && (s[i++] != '.' || i == len - 1))
		return false;
	for (; i < len - 1; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
	}
	return record_is_moment(s);
}

static bool
record_is_good(const struct record_value *v, enum type type)
{
	switch (type) {
	case TICKET:
		return v->number > 0;
	case SESSION:
		return v->number > 0 && v->number <= INT64_MAX / 2;
	case COUNT:
		return v->number >= 0;
	case NUMBER:
		return v->number > 0 && v->number <= SOURCES_MAX;
	case FLAG:
		return v->number == 0 || v->number == 1;
	case TIME:
		return v->text.len > 0 &&
		    record_is_time(v->text.data, v->text.len);
	case ADDRESS:
		return v->text.len > 0 &&
		    link_is_good(v->text.data, v->text.len);
	case TITLE:
		return v->text.len > 0 && v->text.len <= TITLE_MAX &&
		    utf8_valid(v->text.data, v->text.len) &&
		    memchr(v->text.data, '\n', v->text.len) == NULL;
	case TEXT:
	default:
		return v->text.len == 0 || utf8_valid(v->text.data,
		    v->text.len);
	}
}

/* The first field of a kind of lines, and the one behind its last one. */
struct record_kind {
	int	from, to;
};

static const struct record_kind	sessions = { 0, RECORD_RATES },
				ratings = { RECORD_RATES, RECORD_GIVEN },
				sources = { RECORD_GIVEN, RECORD__MAX };

/* Whether a line of this kind has the field. */
static bool
record_has(const struct record_kind *k, int f)
{
	return f == RECORD_TICKET || (f >= k->from && f < k->to);
}

/* As record_check, of a rating or a source. */
static int
record_check_other(const struct record *r, const struct record_kind *k,
    char *error, size_t size)
{
	int	i;

	for (i = k->from; i < k->to; i++) {
		const struct record_value	*v = &r->value[i];

		if (v->null ? fields[i].null :
		    record_is_good(v, fields[i].type))
			continue;
		(void)snprintf(error, size, "%s is invalid", fields[i].name);
		return -1;
	}
	return 0;
}

/* Whether a field of a session must be null. */
static bool
record_must_be_null(const struct record *r, int f)
{
	if (f >= RECORD_CREATED && r->value[RECORD_SESSION].null)
		return true;
	return r->value[RECORD_MODEL].null && ((f > RECORD_MODEL &&
	    f <= RECORD_ANSWER_MS) || f >= RECORD_PROMPT_HASH);
}

/* Whether it must have a value; often both are good. */
static bool
record_must_have(const struct record *r, int f)
{
	if (!fields[f].null)
		return true;
	if (f == RECORD_CREATED || f == RECORD_PROMPT)
		return !r->value[RECORD_SESSION].null;
	return f > RECORD_MODEL && f <= RECORD_ANSWER_MS &&
	    !r->value[RECORD_MODEL].null;
}

int
record_check(const struct record *r, char *error, size_t size)
{
	const struct record_value	*v = r->value;
	const bool			 session = !v[RECORD_SESSION].null;
	int				 i;

	if (!v[RECORD_RATES].null)
		return record_check_other(r, &ratings, error, size);
	if (!v[RECORD_GIVEN].null)
		return record_check_other(r, &sources, error, size);
	for (i = 0; i < RECORD_RATES; i++) {
		if (i >= RECORD_CREATED && !session && !v[i].null) {
			(void)snprintf(error, size, "%s without a session",
			    fields[i].name);
			return -1;
		}
		if (v[i].null ? record_must_have(r, i) :
		    record_must_be_null(r, i) ||
		    !record_is_good(&v[i], fields[i].type)) {
			(void)snprintf(error, size, "%s is invalid",
			    fields[i].name);
			return -1;
		}
	}
	if (!v[RECORD_FOLLOWS].null &&
	    v[RECORD_FOLLOWS].number >= v[RECORD_SESSION].number) {
		(void)snprintf(error, size, "follows is invalid");
		return -1;
	}
	return 0;
}

int
record_set(struct record *r, enum record_field f, const char *text,
    size_t len)
{
	struct buf	*b = &r->value[f].text;

	r->value[f].null = false;
	buf_clear(b);
	b->cap = ANSWER_MAX;
	return buf_add(b, text, len);
}

/* Reads the value of a field.  Returns -1 if it has the wrong type. */
static int
record_read_value(struct record *r, enum record_field f, int value)
{
	struct record_value	*v = &r->value[f];
	const enum json_type	 type = json_type(&r->json, value);

	v->null = type == JSON_NULL;
	if (v->null)
		return 0;
	if (record_is_number((int)f)) {
		v->number = json_int(&r->json, value, -1);
		return type == JSON_NUMBER ? 0 : -1;
	}
	buf_clear(&v->text);
	v->text.cap = ANSWER_MAX;
	return json_string(&r->json, value, true, &v->text);
}

int
record_read(struct record *r, const char *line, size_t len, char *error,
    size_t size)
{
	const struct record_kind	*k = &sessions;
	int				 count = 0;
	int				 i, value;

	if (json_parse(&r->json, line, len, 1, 4 * RECORD__MAX) == -1 ||
	    json_type(&r->json, 0) != JSON_OBJECT) {
		(void)snprintf(error, size, errno == ENOMEM ? "no memory" :
		    "not a JSON object with the fields of a session");
		return -1;
	}
	if (json_member(&r->json, 0, fields[RECORD_RATES].name) != -1)
		k = &ratings;
	else if (json_member(&r->json, 0, fields[RECORD_GIVEN].name) != -1)
		k = &sources;
	for (i = 0; i < RECORD__MAX; i++) {
		r->value[i].null = true;
		if (!record_has(k, i))
			continue;
		value = json_member(&r->json, 0, fields[i].name);
		if (value == -1 && record_is_optional(i))
			continue;
		count++;
		if (value >= 0 &&
		    record_read_value(r, (enum record_field)i, value) == 0)
			continue;
		(void)snprintf(error, size, value == -1 ? "%s is missing" :
		    value == -2 ? "%s is there twice" : "%s is invalid",
		    fields[i].name);
		return -1;
	}
	/* All values are scalars: each field is two tokens. */
	if (r->json.count != 1 + 2 * count) {
		(void)snprintf(error, size, "it has an unknown field");
		return -1;
	}
	return record_check(r, error, size);
}

void
record_free(struct record *r)
{
	int	i;

	for (i = 0; i < RECORD__MAX; i++)
		buf_free(&r->value[i].text);
	json_free(&r->json);
}
