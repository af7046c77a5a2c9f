/*
 * Reads HTML without a tree: one pass over tags and texts.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "knowledge/html.h"

enum { NAME_MAX_BYTES = 16, ENTITY_MAX = 12 };

struct page {
	const char	*s, *end;
	struct buf	*out;
	char		*title;
	size_t		 title_size;
	bool		 pre, blank;	/* the last character was white space */
	bool		 failed;
};

/* Those of Latin-1 from U+00A0 on, and what Word writes. */
static const char *const	html_latin[] = {
	"nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect",
	"uml", "copy", "ordf", "laquo", "not", "shy", "reg", "macr", "deg",
	"plusmn", "sup2", "sup3", "acute", "micro", "para", "middot", "cedil",
	"sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
	"Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig",
	"Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute",
	"Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc",
	"Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc",
	"Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute", "acirc",
	"atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute",
	"ecirc", "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde",
	"ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash",
	"ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
};
static const struct {
	const char	*name;
	unsigned	 c;
} html_more[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
	{ "apos", '\'' }, { "ndash", 0x2013 }, { "mdash", 0x2014 },
	{ "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "ldquo", 0x201c },
	{ "rdquo", 0x201d }, { "bull", 0x2022 }, { "hellip", 0x2026 },
	{ "euro", 0x20ac }, { "rarr", 0x2192 }, { "trade", 0x2122 },
};

static void
html_put(struct page *p, const char *s, size_t len)
{
	if (!p->failed && len > 0 && buf_add(p->out, s, len) == -1)
		p->failed = true;
}

/* The character of an entity between & and ;, or 0. */
static uint32_t
html_entity(const char *name, size_t len)
{
	char		*end;
	char		 digits[ENTITY_MAX + 1];
	unsigned long	 c;
	size_t		 i;

	if (len > 1 && name[0] == '#') {
		(void)snprintf(digits, sizeof(digits), "%.*s", (int)len - 1,
		    name + 1);
		c = *digits == 'x' || *digits == 'X' ?
		    strtoul(digits + 1, &end, 16) : strtoul(digits, &end, 10);
		return *end != '\0' || c == 0 || c > 0x10ffff ||
		    (c >= 0xd800 && c <= 0xdfff) ? 0 : (uint32_t)c;
	}
	for (i = 0; i < sizeof(html_latin) / sizeof(html_latin[0]); i++) {
		if (strlen(html_latin[i]) == len &&
		    memcmp(html_latin[i], name, len) == 0)
			return 0xa0 + (uint32_t)i;
	}
	for (i = 0; i < sizeof(html_more) / sizeof(html_more[0]); i++) {
		if (strlen(html_more[i].name) == len &&
		    memcmp(html_more[i].name, name, len) == 0)
			return html_more[i].c;
	}
	return 0;
}

/* Puts one character of a text; white space outside of <pre> only once. */
static void
html_char(struct page *p, const char *c, size_t len)
{
	const bool	white = len == 1 && strchr(" \t\n\r\f", *c) != NULL;

	if (p->pre && white) {
		html_put(p, *c == '\r' ? "" : c, *c == '\r' ? 0 : 1);
		return;
	}
	if (white) {
		if (!p->blank)
			html_put(p, " ", 1);
		p->blank = true;
		return;
	}
	/* Nothing that the page says becomes a heading of ours. */
	if (*c == '#' && (p->out->len == 0 || p->out->data[p->out->len - 1] ==
	    '\n'))
		html_put(p, " ", 1);
	html_put(p, c, len);
	p->blank = false;
}

/* Puts a text up to the next tag. */
static void
html_chars(struct page *p)
{
	const char	*semicolon;
	char		 utf8[4];
	uint32_t	 c;
	int		 len;

	while (p->s < p->end && *p->s != '<') {
		semicolon = *p->s != '&' ? NULL : memchr(p->s, ';',
		    (size_t)(p->end - p->s) < ENTITY_MAX ?
		    (size_t)(p->end - p->s) : ENTITY_MAX);
		if (semicolon != NULL && (c = html_entity(p->s + 1,
		    (size_t)(semicolon - p->s) - 1)) != 0) {
			if (c == 0xa0)
				c = ' ';
			html_char(p, utf8, utf8_encode(c, utf8));
			p->s = semicolon + 1;
			continue;
		}
		len = utf8_char(p->s, (size_t)(p->end - p->s));
		if (len > 0 && *p->s != '\0')
			html_char(p, p->s, (size_t)len);
		p->s += len > 0 ? len : 1;
	}
}

/* Ends the line, and with 2 the paragraph. */
static void
html_lines(struct page *p, int n)
{
	size_t	i = p->out->len;

	while (i > 0 && p->out->data[i - 1] == ' ')
		i--;
	p->out->len = i;
	for (; n > 0 && i > 0 && p->out->data[i - 1] == '\n'; i--)
		n--;
	for (; n > 0 && p->out->len > 0; n--)
		html_put(p, "\n", 1);
	p->blank = true;
}

static bool
html_is(const char *name, const char *list)
{
	const size_t	 len = strlen(name);
	const char	*p = list;

	while ((p = strstr(p, name)) != NULL) {
		if (p[-1] == ' ' && p[len] == ' ')
			return true;
		p++;
	}
	return false;
}

/* Skips what is between a tag and its end, or copies it to the title. */
static void
html_skip(struct page *p, const char *name)
{
	const size_t	 len = strlen(name);
	const char	*s = p->s;
	struct buf	 b = BUF_INIT(4096);
	struct page	 inner;

	for (; p->s < p->end; p->s++) {
		if (*p->s == '<' && (size_t)(p->end - p->s) > len + 1 &&
		    p->s[1] == '/' && strncasecmp(p->s + 2, name, len) == 0)
			break;
	}
	if (strcmp(name, "title") != 0 || p->title == NULL || p->s - s > 2000)
		return;
	inner = *p;
	inner.s = s;
	inner.end = p->s;
	inner.out = &b;
	inner.blank = true;
	html_chars(&inner);
	if (b.len > 0 && !utf8_blank(b.data, b.len)) {
		const size_t	n = utf8_cut(b.data, b.len, p->title_size - 1);

		memcpy(p->title, b.data, n);
		p->title[n] = '\0';
	}
	buf_free(&b);
}

/* Moves behind a tag, whose attributes may contain > in quotes. */
static void
html_past(struct page *p)
{
	char	quote = '\0';

	for (; p->s < p->end; p->s++) {
		if (quote != '\0') {
			if (*p->s == quote)
				quote = '\0';
		} else if (*p->s == '"' || *p->s == '\'') {
			/* Only as a value: an apostrophe may be lost here. */
			if (p->s[-1] == '=')
				quote = *p->s;
		} else if (*p->s == '>') {
			p->s++;
			return;
		}
	}
}

/* Tags whose text is not shown. */
static const char	html_skipped[] = " script style template noscript "
    "title svg iframe object ";

/* What a tag means. */
static void
html_act(struct page *p, const char *name, bool closes)
{
	if (html_is(name, html_skipped) && !closes) {
		html_skip(p, name);
	} else if (name[0] == 'h' && name[1] >= '1' && name[1] <= '6' &&
	    name[2] == '\0') {
		html_lines(p, 2);
		if (!closes)
			html_put(p, "# ", 2);
	} else if (html_is(name, " p div table ul ol dl section article "
	    "header footer main aside nav blockquote pre form body head hr "
	    "figure ")) {
		html_lines(p, 2);
		if (strcmp(name, "pre") == 0)
			p->pre = !closes;
	} else if (html_is(name, " br tr li dt dd option ")) {
		html_lines(p, 1);
		if (strcmp(name, "li") == 0 && !closes)
			html_put(p, "- ", 2);
	} else if (html_is(name, " td th ")) {
		html_char(p, " ", 1);
	}
}

/* Reads a tag, a comment or a declaration; p->s is at its <. */
static void
html_tag(struct page *p)
{
	const char	*s = p->s + 1, *end;
	char		 name[NAME_MAX_BYTES + 1];
	const bool	 closes = s < p->end && *s == '/';
	size_t		 n = 0;

	if (p->end - s >= 3 && memcmp(s, "!--", 3) == 0) {
		end = memmem(s, (size_t)(p->end - s), "-->", 3);
		p->s = end == NULL ? p->end : end + 3;
		return;
	}
	s += closes;
	while (s < p->end && n < NAME_MAX_BYTES && isalnum((unsigned char)*s))
		name[n++] = (char)tolower((unsigned char)*s++);
	name[n] = '\0';
	if (n == 0 && !closes && (s >= p->end || (*s != '!' && *s != '?'))) {
		html_char(p, "<", 1);	/* it is none */
		p->s++;
		return;
	}
	p->s = s;
	html_past(p);
	/* A tag that ends in /> has no text that could be skipped. */
	if (n > 0 && (p->s == s || p->s[-1] != '>' || p->s[-2] != '/' ||
	    !html_is(name, html_skipped)))
		html_act(p, name, closes);
}

int
html_text(const char *html, size_t len, char *title, size_t size,
    struct buf *out)
{
	struct page	p = { .s = html, .end = html + len, .out = out,
			    .title = title, .title_size = size,
			    .blank = true };

	while (p.s < p.end && !p.failed) {
		if (*p.s == '<')
			html_tag(&p);
		else
			html_chars(&p);
	}
	return p.failed ? -1 : 0;
}
