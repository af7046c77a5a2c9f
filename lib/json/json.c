/*
 * Reading JSON: a check of the grammar, then jsmn's tokens.  The only file that
 * knows jsmn.
 */
#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "json/json.h"

enum { DEPTH_MAX = 64 };	/* levels: the checker's stack has a bit for
				   each */

/* The part of the text that is not yet checked. */
struct scan {
	const char	*p, *end;
};

static bool
digits(struct scan *s)
{
	const char	*start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > start;
}

static bool
json_check_number(struct scan *s)
{
	if (s->p < s->end && *s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!digits(s))
		return false;
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!digits(s))
			return false;
	}
	return true;
}

static bool
json_check_word(struct scan *s, const char *w)
{
	size_t	len = strlen(w);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, w, len) != 0)
		return false;
	s->p += len;
	return true;
}

/* The value of the four hexadecimal digits at p, or -1. */
static int
json_hex4(const char *p, const char *end)
{
	int	v = 0, i;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		v <<= 4;
		if (p[i] >= '0' && p[i] <= '9')
			v |= p[i] - '0';
		else if (p[i] >= 'a' && p[i] <= 'f')
			v |= p[i] - 'a' + 10;
		else if (p[i] >= 'A' && p[i] <= 'F')
			v |= p[i] - 'A' + 10;
		else
			return -1;
	}
	return v;
}

/* Checks a string with its quotes. */
static bool
string(struct scan *s)
{
	if (s->p == s->end || *s->p++ != '"')
		return false;
	while (s->p < s->end) {
		unsigned char	c = (unsigned char)*s->p++;

		if (c == '"')
			return true;
		if (c < 0x20)
			return false;
		if (c != '\\')
			continue;
		if (s->p == s->end || *s->p == '\0' ||
		    strchr("\"\\/bfnrtu", *s->p) == NULL)
			return false;
		if (*s->p++ == 'u') {
			if (json_hex4(s->p, s->end) == -1)
				return false;
			s->p += 4;
		}
	}
	return false;
}

static void
space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' ||
	    *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool
scalar(struct scan *s)
{
	if (s->p == s->end)
		return false;
	switch (*s->p) {
	case '"':
		return string(s);
	case 't':
		return json_check_word(s, "true");
	case 'f':
		return json_check_word(s, "false");
	case 'n':
		return json_check_word(s, "null");
	default:
		return json_check_number(s);
	}
}

/* Checks a member's name and its colon. */
static bool
json_check_name(struct scan *s)
{
	space(s);
	if (!string(s))
		return false;
	space(s);
	return s->p < s->end && *s->p++ == ':';
}

/*
 * Descends at each opening bracket and ascends at each closing one.  Bit
 * `depth' of `objects' says what is open on that level.
 */
int
json_check(const char *text, size_t len, unsigned max_depth)
{
	struct scan	s = { text, text + len };
	uint64_t	objects = 0;
	unsigned	depth = 0;
	bool		object;

value:
	space(&s);
	if (s.p < s.end && (*s.p == '{' || *s.p == '[')) {
		object = *s.p++ == '{';
		if (depth == max_depth || depth == DEPTH_MAX)
			return E2BIG;
		objects = (objects & ~(UINT64_C(1) << depth)) |
		    (uint64_t)object << depth;
		depth++;
		space(&s);
		if (s.p < s.end && *s.p == (object ? '}' : ']'))
			goto closing;
		if (object && !json_check_name(&s))
			return EINVAL;
		goto value;
	}
	if (!scalar(&s))
		return EINVAL;
after:
	space(&s);
	if (depth == 0)
		return s.p == s.end ? 0 : EINVAL;
	if (s.p == s.end)
		return EINVAL;
	object = objects >> (depth - 1) & 1;
	if (*s.p == ',') {
		s.p++;
		if (object && !json_check_name(&s))
			return EINVAL;
		goto value;
	}
	if (*s.p != (object ? '}' : ']'))
		return EINVAL;
closing:
	s.p++;
	depth--;
	goto after;
}

static const jsmntok_t *
token(const struct json *j, int value)
{
	return (const jsmntok_t *)j->tokens + value;
}

/* Runs jsmn; returns the number of tokens, or its error. */
static int
json_tokens(const struct json *j, size_t len, jsmntok_t *tokens, size_t size)
{
	jsmn_parser	parser;

	jsmn_init(&parser);
	return jsmn_parse(&parser, j->text, len, tokens, (unsigned)size);
}

int
json_parse(struct json *j, const char *text, size_t len, unsigned max_depth,
    size_t max_tokens)
{
	jsmntok_t	*t;
	int		 count;

	j->count = 0;
	j->text = text;
	if (len > INT_MAX || len == 0) {
		errno = EINVAL;
		return -1;
	}
	if (!utf8_valid(text, len)) {
		errno = EILSEQ;
		return -1;
	}
	if ((errno = json_check(text, len, max_depth)) != 0)
		return -1;
	/* Most often there is room for as many tokens as the last text had. */
	count = j->size == 0 ? JSMN_ERROR_NOMEM :
	    json_tokens(j, len, j->tokens, j->size);
	if (count == JSMN_ERROR_NOMEM) {
		count = json_tokens(j, len, NULL, 0);
		if (count > 0 && (size_t)count <= max_tokens) {
			t = realloc(j->tokens, (size_t)count * sizeof(*t));
			if (t == NULL)
				return -1;
			j->tokens = t;
			j->size = (size_t)count;
			count = json_tokens(j, len, j->tokens, j->size);
		}
	}
	if (count < 1 || (size_t)count > max_tokens) {
		errno = count < 1 ? EINVAL : E2BIG;
		return -1;
	}
	j->count = count;
	/* jsmn accepts a bare number or word if white space follows. */
	if (token(j, 0)->type == JSMN_PRIMITIVE) {
		j->count = 0;
		errno = EINVAL;
		return -1;
	}
	return 0;
}

void
json_free(struct json *j)
{
	free(j->tokens);
	memset(j, 0, sizeof(*j));
}

enum json_type
json_type(const struct json *j, int value)
{
	if (value < 0 || value >= j->count)
		return JSON_NONE;
	switch (token(j, value)->type) {
	case JSMN_OBJECT:
		return JSON_OBJECT;
	case JSMN_ARRAY:
		return JSON_ARRAY;
	case JSMN_STRING:
		return JSON_STRING;
	case JSMN_PRIMITIVE:
		break;
	case JSMN_UNDEFINED:
	default:
		return JSON_NONE;
	}
	switch (j->text[token(j, value)->start]) {
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

/* The first token behind `value' and all that it contains. */
static int
behind(const struct json *j, int value)
{
	int	i, end = token(j, value)->end;

	for (i = value + 1; i < j->count && token(j, i)->start < end; i++)
		;
	return i;
}

int
json_member(const struct json *j, int object, const char *wanted)
{
	int	i, end, found = -1;

	if (json_type(j, object) != JSON_OBJECT)
		return -1;
	end = token(j, object)->end;
	for (i = object + 1; i < j->count && token(j, i)->start < end;
	    i = behind(j, i + 1)) {
		if (!json_equals(j, i, wanted))
			continue;
		if (found != -1)
			return -2;
		found = i + 1;
	}
	return found;
}

int
json_name(const struct json *j, int object, int before)
{
	if (json_type(j, object) != JSON_OBJECT || token(j, object)->size == 0)
		return -1;
	return before == -1 ? object + 1 : json_next(j, object, before + 1);
}

int
json_first(const struct json *j, int array)
{
	if (json_type(j, array) != JSON_ARRAY || token(j, array)->size == 0)
		return -1;
	return array + 1;
}

int
json_next(const struct json *j, int array, int element)
{
	int	i = behind(j, element);

	return i < j->count && token(j, i)->start < token(j, array)->end ?
	    i : -1;
}

/*
 * Reads the escape at p (behind its backslash) and writes the character to
 * out; a lone surrogate is U+FFFD with *lone set.  Returns the bytes read.
 */
static size_t
unescape(const char *p, const char *end, char out[4], size_t *out_len,
    bool *lone)
{
	static const char	from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char		*f;
	uint32_t		 c, low;

	if (*p != 'u') {
		f = strchr(from, *p);
		out[0] = f == NULL ? *p : to[f - from];
		*out_len = 1;
		return 1;
	}
	c = (uint32_t)json_hex4(p + 1, end);
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 11 &&
	    p[5] == '\\' && p[6] == 'u' &&
	    (low = (uint32_t)json_hex4(p + 7, end)) >= 0xdc00 && low < 0xe000) {
		c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
		*out_len = utf8_encode(c, out);
		return 11;
	}
	if (c >= 0xd800 && c < 0xe000) {
		*lone = true;
		c = 0xfffd;
	}
	*out_len = utf8_encode(c, out);
	return 5;
}

int
json_string(const struct json *j, int value, bool strict, struct buf *b)
{
	const char	*p, *end, *stop;
	char		 c[4];
	size_t		 n;
	bool		 lone = false;

	if (json_type(j, value) != JSON_STRING) {
		errno = EINVAL;
		return -1;
	}
	p = j->text + token(j, value)->start;
	end = j->text + token(j, value)->end;
	while (p < end) {
		stop = memchr(p, '\\', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		if (buf_add(b, p, (size_t)(stop - p)) == -1)
			return -1;
		if ((p = stop) == end)
			break;
		p++;
		p += unescape(p, end, c, &n, &lone);
		if (lone && strict) {
			errno = EILSEQ;
			return -1;
		}
		if (buf_add(b, c, n) == -1)
			return -1;
	}
	return 0;
}

bool
json_equals(const struct json *j, int value, const char *s)
{
	const char	*p, *end;
	size_t		 len = strlen(s), n;
	char		 c[4];
	bool		 lone = false;

	if (json_type(j, value) != JSON_STRING)
		return false;
	p = j->text + token(j, value)->start;
	end = j->text + token(j, value)->end;
	while (p < end) {
		if (*p != '\\') {
			/* *s is NUL at its end, and there is none within: NUL
			   is always escaped. */
			if (*p++ != *s)
				return false;
			n = 1;
		} else {
			p++;
			p += unescape(p, end, c, &n, &lone);
			if (n > len || memcmp(c, s, n) != 0)
				return false;
		}
		s += n;
		len -= n;
	}
	return len == 0;
}

int64_t
json_int(const struct json *j, int value, int64_t fallback)
{
	const char	*p;
	char		*end;
	long long	 n;

	if (json_type(j, value) != JSON_NUMBER)
		return fallback;
	p = j->text + token(j, value)->start;
	errno = 0;
	n = strtoll(p, &end, 10);
	if (errno != 0 || end != j->text + token(j, value)->end)
		return fallback;
	return n;
}

const char *
json_raw(const struct json *j, int value, size_t *len)
{
	*len = (size_t)(token(j, value)->end - token(j, value)->start);
	return j->text + token(j, value)->start;
}

int64_t
json_seconds(const struct json *j, int value, int64_t fallback)
{
	const double	most = (double)(INT64_MAX / 2);
	const int64_t	whole = json_int(j, value, INT64_MAX);
	int64_t		n;
	char		*end;
	double		 d;

	if (json_type(j, value) != JSON_NUMBER)
		return fallback;
	if (whole != INT64_MAX)
		return whole >= -INT64_MAX / 2 && whole <= INT64_MAX / 2 ?
		    whole : fallback;
	d = strtod(j->text + token(j, value)->start, &end);
	if (end != j->text + token(j, value)->end || !(d > -most && d < most))
		return fallback;
	n = (int64_t)d;
	return (double)n < d ? n + 1 : n;
}

bool
json_true(const struct json *j, int value)
{
	return json_type(j, value) == JSON_BOOL &&
	    j->text[token(j, value)->start] == 't';
}
