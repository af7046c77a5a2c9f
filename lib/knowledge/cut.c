/*
 * Cutting documents, line by line.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "knowledge/cut.h"
#include "knowledge/html.h"

enum {
	HEADING_MARKS = 6,	/* # */
	FENCE_MARKS = 3,	/* ` or ~ */
	TITLE_LINE = 80,	/* bytes of a text's first line if it is the
				   title */
	DOCUMENT_MAX = 16 * 1024 * 1024
};

struct cutter {
	struct cut	*out;
	const char	*heading;	/* of the section; not ended by a NUL */
	size_t		 heading_len;
	struct buf	 section;
	bool		 titled;	/* the title is not a file's name */
};

/* Copies a text that may be too long, without the white space around it and
   with one blank in place of each control character. */
static void
cut_copy(char *to, size_t max, const char *s, size_t len)
{
	size_t	i;

	while (len > 0 && (unsigned char)*s <= ' ') {
		s++;
		len--;
	}
	while (len > 0 && (unsigned char)s[len - 1] <= ' ')
		len--;
	len = utf8_cut(s, len, max);
	memcpy(to, s, len);
	to[len] = '\0';
	for (i = 0; i < len; i++) {
		if ((unsigned char)to[i] < ' ' || to[i] == 0x7f)
			to[i] = ' ';
	}
}

/* Adds a passage with the document's title and the section's heading. */
static int
cut_add(struct cutter *c, const char *s, size_t len)
{
	struct cut		*out = c->out;
	struct cut_passage	*p;
	char			 title[2 * TITLE_MAX + 3],
				 heading[TITLE_MAX + 1];

	while (len > 0 && strchr("\n\r", *s) != NULL) {
		s++;
		len--;
	}
	while (len > 0 && (unsigned char)s[len - 1] <= ' ')
		len--;
	if (len == 0 || utf8_blank(s, len))
		return 0;
	if (out->count == PASSAGES_MAX) {
		errno = E2BIG;
		return -1;
	}
	/* Grows by doubling: at 1, 2, 4, ... */
	if ((out->count & (out->count - 1)) == 0) {
		p = realloc(out->passage, (out->count == 0 ? 1 : 2 *
		    out->count) * sizeof(*p));
		if (p == NULL)
			return -1;
		out->passage = p;
	}
	p = &out->passage[out->count];
	if ((p->text = strndup(s, len)) == NULL)
		return -1;
	p->len = len;
	cut_copy(heading, TITLE_MAX, c->heading, c->heading_len);
	if (*heading == '\0' || strcmp(heading, out->title) == 0)
		(void)snprintf(title, sizeof(title), "%s", out->title);
	else
		(void)snprintf(title, sizeof(title), "%s: %s", out->title,
		    heading);
	cut_copy(p->title, TITLE_MAX, title, strlen(title));
	out->count++;
	return 0;
}

/* Where to cut what is too long: behind a paragraph, a line, a sentence or a
   word, or else a character. */
static size_t
cut_place(const char *s, size_t len)
{
	static const char *const	behind[] = { "\n\n", "\n", ". ", " " };
	const size_t			max = utf8_cut(s, len, PASSAGE_MAX);
	size_t				i, at, n;

	for (i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		n = strlen(behind[i]);
		for (at = max; at >= n && at > max / 4; at--) {
			if (memcmp(s + at - n, behind[i], n) == 0)
				return at;
		}
	}
	return max;
}

/* Ends a section: makes passages of it. */
static int
cut_section(struct cutter *c)
{
	const char	*s = c->section.data;
	size_t		 left = c->section.len, n;

	for (; left > 0; s += n, left -= n) {
		n = left > PASSAGE_MAX ? cut_place(s, left) : left;
		if (cut_add(c, s, n) == -1)
			return -1;
	}
	buf_clear(&c->section);
	return 0;
}

/* Begins a section; the first heading may be the document's title. */
static int
cut_heading(struct cutter *c, const char *s, size_t len)
{
	const bool	first = c->out->count == 0 && (c->section.len == 0 ||
			    utf8_blank(c->section.data, c->section.len));

	if (cut_section(c) == -1)
		return -1;
	if (first && !c->titled && len > 0) {
		cut_copy(c->out->title, TITLE_MAX, s, len);
		c->titled = true;
	}
	c->heading = s;
	c->heading_len = len;
	return 0;
}

/* Reads the head of a Markdown file between two lines `---'. */
static const char *
cut_front_matter(struct cutter *c, const char *text, const char *end)
{
	const char	*s = text, *next, *value;
	size_t		 len;

	if (end - s < 4 || memcmp(s, "---", 3) != 0 ||
	    (s[3] != '\n' && s[3] != '\r'))
		return text;
	for (s = strchr(s, '\n'); s != NULL && ++s < end; s = next) {
		next = strchr(s, '\n');
		len = next == NULL ? (size_t)(end - s) : (size_t)(next - s);
		if (len > 0 && s[len - 1] == '\r')
			len--;
		if (len == 3 && memcmp(s, "---", 3) == 0)
			return next == NULL ? end : next + 1;
		if ((value = memchr(s, ':', len)) == NULL)
			continue;
		len -= (size_t)(++value - s);
		for (; len > 0 && strchr(" \t\"'", *value) != NULL; len--)
			value++;
		while (len > 0 && strchr(" \t\"'", value[len - 1]) != NULL)
			len--;
		if (strncmp(s, "title:", 6) == 0 && !c->titled && len > 0) {
			cut_copy(c->out->title, TITLE_MAX, value, len);
			c->titled = true;
		} else if (strncmp(s, "url:", 4) == 0 &&
		    link_is_good(value, len)) {
			memcpy(c->out->url, value, len);
			c->out->url[len] = '\0';
		}
	}
	return text;
}

/* The length of an ATX heading's marks and blanks; 0: it is none. */
static size_t
cut_marks(const char *s, size_t len)
{
	size_t	n = 0;

	while (n < len && s[n] == '#')
		n++;
	if (n == 0 || n > HEADING_MARKS || (n < len && s[n] != ' ' &&
	    s[n] != '\t'))
		return 0;
	return n;
}

/* Whether a line underlines the one above it. */
static bool
cut_is_underline(const char *s, size_t len)
{
	size_t	n = 0;

	while (len > 0 && strchr(" \t\r", s[len - 1]) != NULL)
		len--;
	while (n < len && (s[n] == '=' || s[n] == '-') && s[n] == s[0])
		n++;
	return len >= 3 && n == len;
}

/* Takes the last line back out of the section. */
static size_t
cut_last_line(const struct buf *b)
{
	size_t	at = b->len;

	while (at > 0 && b->data[at - 1] != '\n')
		at--;
	return at;
}

static int
cut_markdown(struct cutter *c, const char *s, const char *end)
{
	const char	*next, *above = NULL;
	size_t		 len, n, above_len = 0;
	char		 fence = '\0';
	int		 rc = 0;

	for (; s < end && rc == 0; s = next) {
		next = memchr(s, '\n', (size_t)(end - s));
		len = (size_t)((next == NULL ? end : next) - s);
		next = next == NULL ? end : next + 1;
		if (len > 0 && s[len - 1] == '\r')
			len--;
		if (len >= FENCE_MARKS && (fence == '\0' ?
		    strchr("`~", *s) != NULL : *s == fence) &&
		    s[1] == *s && s[2] == *s)
			fence = fence == '\0' ? *s : '\0';
		if (fence == '\0' && (n = cut_marks(s, len)) > 0) {
			/* Marks behind it are no part of it. */
			while (len > n && strchr("# \t", s[len - 1]) != NULL)
				len--;
			rc = cut_heading(c, s + n, len - n);
			above = NULL;
			continue;
		}
		if (fence == '\0' && above != NULL && above_len > 0 &&
		    cut_is_underline(s, len)) {
			c->section.len -= c->section.len > 0 ? 1 : 0;
			c->section.len = cut_last_line(&c->section);
			rc = cut_heading(c, above, above_len);
			above = NULL;
			continue;
		}
		if (buf_add(&c->section, s, len) == -1 ||
		    buf_add(&c->section, "\n", 1) == -1)
			rc = -1;
		above = len > 0 && !utf8_blank(s, len) ? s : NULL;
		above_len = len;
	}
	return rc;
}

/* A text has no headings; a short first line with a blank one behind it is its
   title. */
static int
cut_text(struct cutter *c, const char *s, const char *end)
{
	const char	*line = memchr(s, '\n', (size_t)(end - s));
	const size_t	 len = line == NULL ? 0 : (size_t)(line - s);

	if (len > 0 && len <= TITLE_LINE && !c->titled &&
	    line + 1 < end && (line[1] == '\n' || line[1] == '\r')) {
		cut_copy(c->out->title, TITLE_MAX, s, len);
		s = line + 1;
	}
	for (; s < end; s++) {
		if (*s != '\r' && buf_add(&c->section, s, 1) == -1)
			return -1;
	}
	return 0;
}

int
cut(enum cut_kind kind, const char *text, size_t len, const char *title,
    const char *name, struct cut *out)
{
	struct cutter	 c = { .out = out, .section = BUF_INIT(DOCUMENT_MAX),
			    .heading = "" };
	struct buf	 plain = BUF_INIT(DOCUMENT_MAX);
	const size_t	 mark = len >= 3 ? utf8_mark(text, len) : 0;
	const char	*end = text + len;
	char		 page[TITLE_MAX + 1] = "";
	int		 rc = 0;

	memset(out, 0, sizeof(*out));
	text += mark;
	cut_copy(out->title, TITLE_MAX, *title != '\0' ? title : name,
	    strlen(*title != '\0' ? title : name));
	c.titled = *title != '\0';
	if (kind == CUT_HTML) {
		rc = html_text(text, (size_t)(end - text), page, sizeof(page),
		    &plain);
		if (*page != '\0' && !c.titled) {
			cut_copy(out->title, TITLE_MAX, page, strlen(page));
			c.titled = true;
		}
		text = plain.len == 0 ? "" : plain.data;
		end = text + plain.len;
	} else if (kind == CUT_MARKDOWN) {
		text = cut_front_matter(&c, text, end);
	}
	if (rc == 0)
		rc = kind == CUT_TEXT ? cut_text(&c, text, end) :
		    cut_markdown(&c, text, end);
	if (rc == 0)
		rc = cut_section(&c);
	if (rc == 0 && out->count == 0) {
		errno = ENODATA;
		rc = -1;
	}
	buf_free(&c.section);
	buf_free(&plain);
	return rc;
}

void
cut_free(struct cut *out)
{
	size_t	i;

	for (i = 0; i < out->count; i++)
		free(out->passage[i].text);
	free(out->passage);
	memset(out, 0, sizeof(*out));
}
