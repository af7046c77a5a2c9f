/*
 * Prints rows in four formats.  In a table each column is as wide as its
 * content, cut to the terminal's width.
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

#include "base/limit.h"
#include "base/utf8.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/print.h"

enum {
	HELD = 1000,	/* rows that are measured together */
	NARROW = 4,	/* the narrowest column if nothing else helps, */
	READABLE = 8	/* and as long as others can be narrowed */
};

/* The width of the terminal; unlimited for a file. */
static int
table_screen(void)
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

/* The width of a character of n bytes, in columns. */
static int
table_character_width(const char *s, int n)
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

/*
 * The width of a text without control characters, and how many of its bytes fit
 * in `most' columns.
 */
static int
table_text_width(const char *s, int most, int *bytes)
{
	int	width = 0, n, w, len = (int)strlen(s);

	for (*bytes = 0; *bytes < len; *bytes += n) {
		if ((n = utf8_char(s + *bytes, (size_t)(len - *bytes))) < 1)
			n = 1;
		w = table_character_width(s + *bytes, n);
		if (width + w > most)
			break;
		width += w;
	}
	return width;
}

/* Whether a text is a time as the database formats it. */
static bool
table_is_time(const struct cell *c)
{
	static const char	form[] = "0000-00-00T00:00:00.000Z";
	size_t			i;

	if (c->text == NULL || c->len != sizeof(form) - 1)
		return false;
	for (i = 0; i < c->len && (form[i] == '0' ? c->text[i] >= '0' &&
	    c->text[i] <= '9' : c->text[i] == form[i]); i++)
		;
	return i == c->len;
}

/* Stores a text as it will be printed, with a NUL.  Returns its width. */
static int
table_store(struct table *t, const struct cell *c, bool time)
{
	const size_t	start = t->texts.len;
	int		bytes;

	t->texts.cap = OUTPUT_MAX;
	if (c->text == NULL)
		print_tame("-", 1, true, &t->texts);
	else if (time && table_screen() != INT_MAX)
		print_tame(c->text, sizeof("2026-11-23T10:00") - 1, true,
		    &t->texts);
	else
		print_tame(c->text, c->len, true, &t->texts);
	if (buf_add(&t->texts, "", 1) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	return table_text_width(t->texts.data + start, INT_MAX, &bytes);
}

/* Narrows the widest columns until `total' fits.  Returns the new total. */
static int
table_narrow(struct table *t, int total, int most, bool prose, int least)
{
	struct column	*c, *widest;

	for (; total > most; total--) {
		widest = NULL;
		for (c = t->column; c < t->column + t->columns; c++) {
			if (c->text && (c->prose || !prose) &&
			    c->width > least && (widest == NULL ||
			    c->width > widest->width))
				widest = c;
		}
		if (widest == NULL)
			break;
		widest->width--;
	}
	return total;
}

/*
 * Makes the table fit the terminal.  Narrows texts first: half a date says less
 * than half a text.
 */
static void
table_fit(struct table *t)
{
	const int	most = table_screen();
	int		i, total = 2 * (t->columns - 1);

	for (i = 0; i < t->columns; i++)
		total += t->column[i].width;
	total = table_narrow(t, total, most, true, READABLE);
	total = table_narrow(t, total, most, false, READABLE);
	(void)table_narrow(t, total, most, false, NARROW);
}

/* Prints a text in its column; numbers are right-aligned. */
static void
table_put(const struct column *c, const char *s, bool last)
{
	int	width, bytes, whole;

	width = table_text_width(s, INT_MAX, &whole);
	bytes = whole;
	if (width > c->width)
		width = 1 + table_text_width(s, c->width - 1, &bytes);
	if (!c->text)
		(void)printf("%*s", c->width - width, "");
	(void)printf("%.*s%s", bytes, s, bytes < whole ? "…" : "");
	if (last)
		(void)putchar('\n');
	else
		(void)printf("%*s", c->text ? c->width - width + 2 : 2, "");
}

/* Prints the collected rows. */
static void
table_print(struct table *t)
{
	const char	*s = t->texts.data;
	int		 i;

	table_fit(t);
	for (i = 0; i < t->columns && !t->named; i++)
		table_put(
		    &t->column[i], t->column[i].name, i == t->columns - 1);
	t->named = true;
	for (; t->waiting > 0; t->waiting--) {
		for (i = 0; i < t->columns; i++) {
			table_put(&t->column[i], s, i == t->columns - 1);
			s += strlen(s) + 1;
		}
	}
	buf_clear(&t->texts);
}

/* Adds a row.  Prints the collected rows when there are HELD. */
static void
table_row(struct table *t, const struct cell *c, int cells)
{
	struct column	*column;
	int		 i, width;

	for (i = 0; i < cells; i++) {
		column = &t->column[i];
		if (t->columns == 0) {
			(void)snprintf(column->name, sizeof(column->name),
			    "%s", c[i].name);
			column->width = (int)strlen(column->name);
		}
		width = table_store(t, &c[i], table_is_time(&c[i]));
		if (width > column->width)
			column->width = width;
		if (c[i].text == NULL || c[i].number)
			continue;
		column->text = true;
		if (!table_is_time(&c[i]))
			column->prose = true;
	}
	t->columns = cells;
	if (++t->waiting == HELD)
		table_print(t);
}

static void
print_no_memory(void)
{
	program_fail(EXIT_SYSTEM, "%s", strerror(errno));
}

/* Writes a line of JSON.  On a terminal escapes these characters, which can
   only be within strings, so the value does not change. */
static void
print_put_json(const struct buf *b)
{
	const bool	terminal = isatty(STDOUT_FILENO) == 1;
	const char	*s = b->data;
	size_t		i, from = 0;

	for (i = 0; terminal && i + 3 <= b->len; i++) {
		if (!utf8_is_layout(s + i))
			continue;
		(void)fwrite(s + from, 1, i - from, stdout);
		(void)printf("\\u20%02x", ((unsigned)s[i + 1] & 1) << 6 |
		    ((unsigned)s[i + 2] & 0x3f));
		from = i + 3;
		i += 2;
	}
	(void)fwrite(s + from, 1, b->len - from, stdout);
}

/* Prints a row as a line of JSON. */
static void
print_json(const struct cell *c, int cells)
{
	struct buf	b = BUF_INIT(OUTPUT_MAX);

	if (store_cells_json(c, cells, &b) == -1)
		print_no_memory();
	print_put_json(&b);
	buf_free(&b);
}

void
print_tame(const char *text, size_t len, bool line, struct buf *b)
{
	if (utf8_tame(text, len, line, b) == -1)
		print_no_memory();
}

/*
 * Whether a spreadsheet may take a text for a formula: it begins with = + - or
 * @, also in full-width form, or with white space, which some spreadsheets
 * skip.
 */
static bool
print_is_formula(const char *text, size_t len)
{
	static const char *const	wide[] = { "\uff1d", "\uff0b", "\uff0d",
					    "\uff20" };
	size_t				i;

	for (i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (len >= 3 && memcmp(text, wide[i], 3) == 0)
			return true;
	}
	return len > 0 && memchr("=+-@\t\r\n", *text, 7) != NULL;
}

/* Prints a field as in RFC 4180.  A possible formula gets a ' in front. */
static void
print_csv_field(const char *text, size_t len, bool number)
{
	const bool	formula = !number && print_is_formula(text, len);
	size_t		i;

	for (i = 0; i < len && strchr(",\"\r\n", text[i]) == NULL; i++)
		;
	if (i == len && !formula) {
		(void)fwrite(text, 1, len, stdout);
		return;
	}
	(void)fputs(formula ? "\"'" : "\"", stdout);
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
			print_csv_field(c[i].name, strlen(c[i].name), true);
		else if (terminal && c[i].text != NULL) {
			print_tame(c[i].text, c[i].len, false, &b);
			print_csv_field(b.data, b.len, c[i].number);
		} else if (c[i].text != NULL)
			print_csv_field(c[i].text, c[i].len, c[i].number);
	}
	(void)fputs("\r\n", stdout);
	buf_free(&b);
}

/* Prints all columns of a session, one below the other. */
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
		print_tame(c[i].text, c[i].len, false, &b);
		(void)printf("%s:%s", c[i].name,
		    memchr(c[i].text, '\n', c[i].len) == NULL ? " " : "\n");
		(void)fwrite(b.data, 1, b.len, stdout);
		(void)putchar('\n');
	}
	buf_free(&b);
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
		table_row(&p->table, c, cells);
	}
	p->rows++;
	if (ferror(stdout))
		command_flush();
	return true;
}

void
print_end(struct print *p)
{
	if (p->rows > 0 && p->format == PRINT_TABLE)
		table_print(&p->table);
	buf_free(&p->table.texts);
}
