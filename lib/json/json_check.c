/*
 * The grammar of JSON.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "json/json_check.h"

enum { DEPTH_MAX = 64 };	/* the checker's stack, a bit a level */

/* Where the checker stands. */
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

int
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

/* A string, from its opening to behind its closing quote. */
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

/* A member's name and its colon. */
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
 * Whether the text is one value by the grammar.  Goes down at each opening
 * bracket and up at each closing one; bit `depth' of `objects' tells what is
 * open there.
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
