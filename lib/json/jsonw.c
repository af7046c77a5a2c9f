/*
 * Writing JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "json/jsonw.h"

/* Writes a byte that has to be escaped. */
static int
escape_byte(struct buf *b, unsigned char c)
{
	static const char	from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char		*f;
	char			 s[8];

	if (c != '\0' && (f = strchr(from, c)) != NULL) {
		s[0] = '\\';
		s[1] = to[f - from];
		return buf_add(b, s, 2);
	}
	(void)snprintf(s, sizeof(s), "\\u%04x", c);	/* always 6 */
	return buf_add(b, s, 6);
}

/*
 * Whether a valid character is one of U+0080 to U+009F, which control a
 * terminal as ESC does; its second byte is its number.
 */
static bool
is_c1(const char *s)
{
	return s[0] == '\xc2' && (unsigned char)s[1] < 0xa0;
}

int
jsonw_escape(struct buf *b, const char *s, size_t len)
{
	size_t	i, good = 0;	/* s[good..i) needs no escape */
	int	n;

	for (i = 0; i < len; i += (size_t)n) {
		unsigned char	c = (unsigned char)s[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			n = 1;
			continue;
		}
		n = c < 0x80 ? 1 : utf8_char(s + i, len - i);
		if (n > 1 && !is_c1(s + i))
			continue;
		if (buf_add(b, s + good, i - good) == -1)
			return -1;
		if ((n < 1 ? buf_add(b, "\xef\xbf\xbd", 3) :
		    escape_byte(b, (unsigned char)s[i + (size_t)n - 1])) ==
		    -1)
			return -1;
		n = n < 1 ? 1 : n;
		good = i + (size_t)n;
	}
	return buf_add(b, s + good, len - good);
}

static void
jsonw_put(struct jsonw *w, const char *s, size_t len)
{
	if (!w->failed && buf_add(w->out, s, len) == -1)
		w->failed = true;
}

static void
quoted(struct jsonw *w, const char *s, size_t len)
{
	jsonw_put(w, "\"", 1);
	if (!w->failed && jsonw_escape(w->out, s, len) == -1)
		w->failed = true;
	jsonw_put(w, "\"", 1);
}

/*
 * Writes the comma and the key in front of a value.  A key is for objects only.
 */
static void
lead(struct jsonw *w, const char *key)
{
	bool	object = w->depth > 0 && w->close[w->depth - 1] == '}';

	if (object != (key != NULL)) {
		w->failed = true;
		return;
	}
	if (!w->first)
		jsonw_put(w, ",", 1);
	w->first = false;
	if (key != NULL) {
		quoted(w, key, strlen(key));
		jsonw_put(w, ":", 1);
	}
}

static void
bracket(struct jsonw *w, const char *key, char opening, char closing)
{
	lead(w, key);
	if (w->depth == sizeof(w->close)) {
		w->failed = true;
		return;
	}
	jsonw_put(w, &opening, 1);
	w->close[w->depth++] = closing;
	w->first = true;
}

void
jsonw_begin(struct jsonw *w, struct buf *b)
{
	memset(w, 0, sizeof(*w));
	w->out = b;
	w->start = b->len;
	w->first = true;
}

void
jsonw_object(struct jsonw *w, const char *key)
{
	bracket(w, key, '{', '}');
}

void
jsonw_array(struct jsonw *w, const char *key)
{
	bracket(w, key, '[', ']');
}

void
jsonw_close(struct jsonw *w)
{
	if (w->depth == 0) {
		w->failed = true;
		return;
	}
	jsonw_put(w, &w->close[--w->depth], 1);
	w->first = false;
}

void
jsonw_string(struct jsonw *w, const char *key, const char *s, size_t len)
{
	lead(w, key);
	quoted(w, s, len);
}

void
jsonw_text(struct jsonw *w, const char *key, const char *s)
{
	jsonw_string(w, key, s, strlen(s));
}

void
jsonw_int(struct jsonw *w, const char *key, int64_t n)
{
	char	s[24];
	int	len;

	lead(w, key);
	len = snprintf(s, sizeof(s), "%" PRId64, n);
	jsonw_put(w, s, (size_t)len);
}

void
jsonw_bool(struct jsonw *w, const char *key, bool v)
{
	jsonw_trusted(w, key, v ? "true" : "false");
}

void
jsonw_trusted(struct jsonw *w, const char *key, const char *json)
{
	lead(w, key);
	jsonw_put(w, json, strlen(json));
}

int
jsonw_end(struct jsonw *w, bool line)
{
	while (w->depth > 0)
		jsonw_close(w);
	if (line)
		jsonw_put(w, "\n", 1);
	if (!w->failed)
		return 0;
	w->out->len = w->start;
	if (w->out->data != NULL)
		w->out->data[w->start] = '\0';
	return -1;
}
