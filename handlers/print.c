/*
 * Printing rows.
 */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "command.h"
#include "jsonw.h"
#include "limit.h"
#include "print.h"
#include "program.h"
#include "utf8.h"

enum {
	HELD = 1000,	/* rows that are measured together */
	NARROW = 8	/* a column is not cut below this */
};

static void
no_memory(void)
{
	program_fail(EXIT_SYSTEM, "%s", strerror(errno));
}

/* One row as a line of JSON. */
static void
print_json(const struct cell *c, int cells)
{
	struct buf	b = BUF_INIT(OUTPUT_MAX);
	struct jsonw	w;
	int		i;

	jsonw_begin(&w, &b);
	jsonw_object(&w, NULL);
	for (i = 0; i < cells; i++) {
		if (c[i].text == NULL)
			jsonw_trusted(&w, c[i].name, "null");
		else if (c[i].number)
			jsonw_trusted(&w, c[i].name, c[i].text);
		else
			jsonw_string(&w, c[i].name, c[i].text, c[i].len);
	}
	if (jsonw_end(&w, true) == -1)
		no_memory();
	(void)fwrite(b.data, 1, b.len, stdout);
	buf_free(&b);
}

/*
 * Appends a text for a terminal, which would obey control characters; with
 * `line' it stays on one line.
 */
static void
tame(const struct cell *c, bool line, struct buf *b)
{
	struct utf8_cleaner	cleaner = { .len = 0 };
	size_t			i = b->len;

	/* The last byte may be the start of a character: a dot ends it. */
	if (utf8_clean(&cleaner, c->text, c->len, b) == -1 ||
	    (cleaner.len > 0 && buf_add(b, "\xef\xbf\xbd", 3) == -1))
		no_memory();
	/* A carriage return would let a ticket write over what stands there. */
	for (; i < b->len; i++) {
		if (b->data[i] == '\r' || (line && (b->data[i] == '\n' ||
		    b->data[i] == '\t')))
			b->data[i] = ' ';
	}
}

/* A field as RFC 4180 has it. */
static void
print_csv_field(const char *text, size_t len)
{
	size_t	i;

	for (i = 0; i < len && strchr(",\"\r\n", text[i]) == NULL; i++)
		;
	if (i == len) {
		(void)fwrite(text, 1, len, stdout);
		return;
	}
	(void)putchar('"');
	for (i = 0; i < len; i++) {
		if (text[i] == '"')
			(void)putchar('"');
		(void)putchar(text[i]);
	}
	(void)putchar('"');
}

static void
print_csv(const struct cell *c, int cells, bool names)
{
	struct buf	b = BUF_INIT(OUTPUT_MAX);
	const bool	terminal = isatty(STDOUT_FILENO) == 1;
	int		i;

	for (i = 0; i < cells; i++) {
		if (i > 0)
			(void)putchar(',');
		buf_clear(&b);
		if (names)
			print_csv_field(c[i].name, strlen(c[i].name));
		else if (terminal && c[i].text != NULL) {
			tame(&c[i], false, &b);
			print_csv_field(b.data, b.len);
		} else if (c[i].text != NULL)
			print_csv_field(c[i].text, c[i].len);
	}
	(void)fputs("\r\n", stdout);
	buf_free(&b);
}

/* All that is known of one session. */
static void
print_paragraph(const struct print *p, const struct cell *c, int cells)
{
	struct buf	b = BUF_INIT(OUTPUT_MAX);
	int		i;

	if (p->rows > 0)
		(void)putchar('\n');
	for (i = 0; i < cells; i++) {
		if (c[i].text == NULL)
			continue;
		buf_clear(&b);
		tame(&c[i], false, &b);
		(void)printf("%s:%s", c[i].name,
		    memchr(c[i].text, '\n', c[i].len) == NULL ? " " : "\n");
		(void)fwrite(b.data, 1, b.len, stdout);
		(void)putchar('\n');
	}
	buf_free(&b);
}

/* How many columns the screen has; a file has no end. */
static int
screen(void)
{
	const char	*columns = getenv("COLUMNS");
	struct winsize	 w;
	long		 n;

	if (isatty(STDOUT_FILENO) != 1)
		return INT_MAX;
	if (columns != NULL && (n = strtol(columns, NULL, 10)) > 0 &&
	    n < INT_MAX)
		return (int)n;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ?
	    w.ws_col : 80;
}

/* The columns that a character of n bytes takes. */
static int
character_width(const char *s, int n)
{
	static const char	*locale;
	wchar_t			 c;
	int			 w;

	if (n == 1)
		return 1;
	if (locale == NULL && (locale = setlocale(LC_CTYPE,
	    "C.UTF-8")) == NULL)
		locale = "";
	return mbtowc(&c, s, (size_t)n) == n && (w = wcwidth(c)) >= 0 ? w : 1;
}

/* The columns that a tame text takes, and the bytes that fit in `most'. */
static int
text_width(const char *s, int most, int *bytes)
{
	int	width = 0, n, w, len = (int)strlen(s);

	for (*bytes = 0; *bytes < len; *bytes += n) {
		if ((n = utf8_char(s + *bytes, (size_t)(len - *bytes))) < 1)
			n = 1;
		w = character_width(s + *bytes, n);
		if (width + w > most)
			break;
		width += w;
	}
	return width;
}

/* Keeps a row until its columns are measured. */
static void
hold(struct print *p, const struct cell *c, int cells)
{
	const struct cell	 none = { "", "-", 1, true };
	struct print_column	*column;
	size_t			 start;
	int			 i, width, bytes;

	p->held.cap = OUTPUT_MAX;
	p->columns = cells;
	for (i = 0; i < cells; i++) {
		column = &p->column[i];
		if (p->rows == 0) {
			(void)snprintf(column->name, sizeof(column->name),
			    "%s", c[i].name);
			column->width = (int)strlen(column->name);
		}
		start = p->held.len;
		tame(c[i].text == NULL ? &none : &c[i], true, &p->held);
		if (buf_add(&p->held, "", 1) == -1)
			no_memory();
		width = text_width(p->held.data + start, INT_MAX, &bytes);
		if (width > column->width)
			column->width = width;
		if (c[i].text != NULL && !c[i].number)
			column->text = true;
	}
	p->waiting++;
}

/* Takes what is too much for the screen from the widest texts. */
static void
fit(struct print *p)
{
	const int		 most = screen();
	struct print_column	*c, *widest;
	int			 total = 2 * (p->columns - 1);

	for (c = p->column; c < p->column + p->columns; c++)
		total += c->width;
	for (; total > most; total--) {
		widest = NULL;
		for (c = p->column; c < p->column + p->columns; c++) {
			if (c->text && c->width > NARROW && (widest == NULL ||
			    c->width > widest->width))
				widest = c;
		}
		if (widest == NULL)
			break;
		widest->width--;
	}
}

/* One text in its column, numbers to the right. */
static void
print_text(const struct print_column *c, const char *s, bool last)
{
	int	width, bytes, whole;

	width = text_width(s, INT_MAX, &whole);
	bytes = whole;
	if (width > c->width)
		width = 1 + text_width(s, c->width - 1, &bytes);
	if (!c->text)
		(void)printf("%*s", c->width - width, "");
	(void)printf("%.*s%s", bytes, s, bytes < whole ? "…" : "");
	if (last)
		(void)putchar('\n');
	else
		(void)printf("%*s", c->text ? c->width - width + 2 : 2, "");
}

/* Prints the rows that wait, under a line of names for the first of them. */
static void
print_table(struct print *p)
{
	const char	*s = p->held.data;
	int		 i;

	fit(p);
	for (i = 0; i < p->columns && p->rows <= p->waiting; i++)
		print_text(&p->column[i], p->column[i].name,
		    i == p->columns - 1);
	for (; p->waiting > 0; p->waiting--) {
		for (i = 0; i < p->columns; i++) {
			print_text(&p->column[i], s, i == p->columns - 1);
			s += strlen(s) + 1;
		}
	}
	buf_clear(&p->held);
}

bool
print_row(void *print, const struct cell *c, int cells)
{
	struct print	*p = print;

	switch (p->format) {
	case PRINT_JSON:
		print_json(c, cells);
		break;
	case PRINT_CSV:
		if (p->rows == 0)
			print_csv(c, cells, true);
		print_csv(c, cells, false);
		break;
	case PRINT_PARAGRAPHS:
		print_paragraph(p, c, cells);
		break;
	case PRINT_TABLE:
	default:
		hold(p, c, cells);
	}
	p->rows++;
	if (p->waiting == HELD)
		print_table(p);
	if (ferror(stdout))
		command_flush();
	return true;
}

void
print_end(struct print *p)
{
	if (p->waiting > 0)
		print_table(p);
	buf_free(&p->held);
}
