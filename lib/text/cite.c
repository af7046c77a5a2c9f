/*
 * Looks for [n] in Markdown: see cite.h.  What is code is decided as the page
 * does it (web/ticket-chat-markdown.js), whose links must be the same.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "text/cite.h"

enum {
	CITE_SPAN = 999,	/* the longest code span, in bytes */
	CITE_FENCE = 3		/* the shortest fence */
};

/* A fence around code, from its first mark to the end of its line. */
struct cite_fence {
	char		 mark;
	size_t		 length;	/* how many marks; 0: it is no fence */
	const char	*info, *end;	/* what stands behind them */
};

static bool
cite_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
cite_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How often a character is repeated at p. */
static size_t
cite_run(const char *p, const char *end)
{
	const char	*q = p;

	while (q < end && *q == *p)
		q++;
	return (size_t)(q - p);
}

/* The first character behind a list's marker, or p if there is none. */
static const char *
cite_skip_marker(const char *p, const char *end)
{
	const char	*q = p;

	while (q < end && q - p < 9 && cite_is_digit(*q))
		q++;
	if (q < end && (q > p ? *q == '.' || *q == ')' :
	    *q == '-' || *q == '+' || *q == '*'))
		q++;
	else
		return p;
	return q < end && cite_is_blank(*q) ? q : p;
}

/* The first character of a line's text, behind the marks of lists and
   quotations. */
static const char *
cite_skip_marks(const char *p, const char *end)
{
	const char	*before;

	do {
		before = p;
		while (p < end && (cite_is_blank(*p) || *p == '>'))
			p++;
		p = cite_skip_marker(p, end);
	} while (p != before);
	return p;
}

static struct cite_fence
cite_fence(const char *line, const char *end)
{
	const char		*p = cite_skip_marks(line, end);
	struct cite_fence	 f = { .length = 0, .end = end };

	while (end > p && cite_is_blank(end[-1]))
		end--;
	if (p == end || (*p != '`' && *p != '~'))
		return f;
	f.mark = *p;
	f.length = cite_run(p, end);
	f.info = p + f.length;
	f.end = end;
	while (f.info < end && cite_is_blank(*f.info))
		f.info++;
	if (f.length < CITE_FENCE || (f.mark == '`' &&
	    memchr(f.info, '`', (size_t)(end - f.info)) != NULL))
		f.length = 0;
	return f;
}

/* Whether a fence is around the whole answer, which then is no code. */
static bool
cite_is_wrapper(const struct cite_fence *f)
{
	const size_t	n = (size_t)(f->end - f->info);

	return (n == 8 && strncasecmp(f->info, "markdown", n) == 0) ||
	    (n == 2 && strncasecmp(f->info, "md", n) == 0);
}

/* The end of the code span that begins at p, or of its marks if it is none. */
static const char *
cite_skip_span(const char *p, const char *end)
{
	const size_t	 n = cite_run(p, end);
	const char	*begin = p + n, *q = begin;
	size_t		 run;

	if (end - begin > CITE_SPAN)
		end = begin + CITE_SPAN;
	while (q < end && (q = memchr(q, '`', (size_t)(end - q))) != NULL) {
		run = cite_run(q, end);
		q += run;
		if (run == n)
			return q;
	}
	return begin;
}

/* The number of a citation at p, which is a bracket, and *length, its bytes;
   0: it is none.  A link's text is none. */
static unsigned
cite_number(const char *p, const char *end, size_t *length)
{
	const char	*begin = p;
	unsigned	 n = 0;

	if (end - p > 1 && p[1] == '0')
		return 0;
	for (p++; p < end && cite_is_digit(*p) && n <= CITE_MAX; p++)
		n = n * 10 + (unsigned)(*p - '0');
	/* Some models escape the brackets. */
	if (p < end && *p == '\\')
		p++;
	*length = (size_t)(p + 1 - begin);
	return p < end && *p == ']' && n <= CITE_MAX &&
	    (end - p == 1 || p[1] != '(') ? n : 0;
}

/* What is done with each citation. */
typedef void cite_each(void *, const char *at, size_t len, unsigned number);

/* Calls `each' for the citations in a paragraph. */
static void
cite_paragraph(const char *p, const char *end, cite_each *each, void *context)
{
	size_t		escape, len;
	unsigned	n;

	while (p < end) {
		escape = *p == '\\' && end - p > 1 && p[1] == '[';
		if (*p == '`') {
			p = cite_skip_span(p, end);
		} else if (*p == '\\' && end - p > 1 && escape == 0) {
			p += 2;
		} else if (p[escape] == '[' &&
		    (n = cite_number(p + escape, end, &len)) > 0) {
			each(context, p, escape + len, n);
			p += escape + len;
		} else {
			p += escape + 1;
		}
	}
}

/* Calls `each' for the citations in Markdown, one after the other. */
static void
cite_walk(const char *text, size_t len, cite_each *each, void *context)
{
	const char		*end = text + len, *line = text, *nl;
	const char		*paragraph = text;
	struct cite_fence	 f, open = { .length = 0 };
	bool			 first = true;

	for (; line < end; line = nl + 1) {
		if ((nl = memchr(line, '\n', (size_t)(end - line))) == NULL)
			nl = end;
		f = cite_fence(line, nl);
		if (open.length > 0) {
			if (f.length >= open.length && f.mark == open.mark &&
			    f.info == f.end)
				open.length = 0;
			paragraph = nl < end ? nl + 1 : end;
		} else if (f.length > 0 ||
		    cite_skip_marks(line, nl) == nl) {
			cite_paragraph(paragraph, line, each, context);
			paragraph = nl < end ? nl + 1 : end;
			if (f.length > 0 && !(first && cite_is_wrapper(&f)))
				open = f;
		}
		first = first && cite_skip_marks(line, nl) == nl;
	}
	if (open.length == 0)
		cite_paragraph(paragraph, end, each, context);
}

static void
cite_note(void *context, const char *at, size_t len, unsigned number)
{
	unsigned	*found = context;

	(void)at;
	(void)len;
	*found |= 1U << number;
}

unsigned
text_cited(const char *text, size_t len)
{
	unsigned	found = 0;

	cite_walk(text, len, cite_note, &found);
	return found;
}

/* A text without its citations. */
struct cite_copy {
	struct buf	*out;
	const char	*from;	/* what follows is not copied yet */
	int		 rc;
};

static void
cite_drop(void *context, const char *at, size_t len, unsigned number)
{
	struct cite_copy	*c = context;
	const char		*end = at;

	(void)number;
	while (end > c->from && end[-1] == ' ')
		end--;
	c->rc |= buf_add(c->out, c->from, (size_t)(end - c->from));
	c->from = at + len;
}

int
text_uncited(const char *text, size_t len, struct buf *out)
{
	struct cite_copy	c = { out, text, 0 };

	cite_walk(text, len, cite_drop, &c);
	return buf_add(out, c.from, (size_t)(text + len - c.from)) | c.rc;
}
