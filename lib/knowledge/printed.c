/*
 * Reads notes from JSON lines.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "json/json.h"
#include "knowledge/given.h"
#include "knowledge/printed.h"

enum { TITLE_LINE = 80 };	/* bytes of a text that become its title */

/* The title of a note that a filter left without one. */
#define NO_TITLE	"Note"

/*
 * Copies a member that is a text to *out.  Returns what is wrong with it, or
 * NULL.
 */
static const char *
printed_text(const struct json *j, const char *name, size_t len, bool needed,
    char **out)
{
	struct buf	b = BUF_INIT(len);
	const int	value = json_member(j, 0, name);
	const char	*wrong = NULL;

	if (value == -2)
		return "is there twice";
	if (value == -1 || json_type(j, value) == JSON_NULL) {
		if (needed)
			return "is missing";
		*out = strdup("");
		return *out == NULL ? "needs memory" : NULL;
	}
	if (json_string(j, value, true, &b) == -1)
		wrong = errno == EINVAL ? "is no text" : errno == EILSEQ ?
		    "is not UTF-8" : "needs memory";
	else if (b.len > 0 && memchr(b.data, '\0', b.len) != NULL)
		wrong = "has a NUL";
	else if (b.data == NULL && buf_puts(&b, "") == -1)
		wrong = "needs memory";
	else
		*out = b.data;
	if (wrong != NULL)
		buf_free(&b);
	return wrong;
}

/* A note without a title and a name is named by its first line. */
static int
printed_title(struct note *n)
{
	char	*title;

	if (!utf8_blank(n->title, strlen(n->title)) ||
	    !utf8_blank(n->name, strlen(n->name)))
		return 0;
	title = strndup(n->text, utf8_cut(n->text, strcspn(n->text, "\r\n"),
	    TITLE_LINE));
	if (title == NULL)
		return -1;
	free(n->title);
	n->title = title;
	return 0;
}

/* Reads a line into a note.  Returns 0, or -1 with the reason. */
static int
printed_line(struct note *n, const char *line, size_t len, char *why,
    size_t size)
{
	const struct {
		const char	*name;
		char		**to;
	} members[] = {
		{ "text", &n->text }, { "name", &n->name },
		{ "title", &n->title }, { "url", &n->url },
	};
	const char		*wrong = NULL;
	struct json		 j = { 0 };
	size_t			 i;

	if (json_parse(&j, line, len, MESSAGE_DEPTH, MESSAGE_TOKENS) == -1 ||
	    json_type(&j, 0) != JSON_OBJECT) {
		(void)snprintf(why, size, "not a JSON object in UTF-8");
		json_free(&j);
		return -1;
	}
	for (i = 0; i < sizeof(members) / sizeof(members[0]) && wrong == NULL;
	    i++) {
		wrong = printed_text(&j, members[i].name, len, i == 0,
		    members[i].to);
		if (wrong != NULL)
			(void)snprintf(why, size, "%s %s", members[i].name,
			    wrong);
	}
	json_free(&j);
	if (wrong == NULL && utf8_blank(n->text, strlen(n->text))) {
		(void)snprintf(why, size, "text is blank");
		return -1;
	}
	if (wrong == NULL && printed_title(n) == -1) {
		(void)snprintf(why, size, "no memory");
		return -1;
	}
	return wrong == NULL ? 0 : -1;
}

/* Keeps the newest note, unless it does not fit. */
static void
printed_keep(struct notes *notes, size_t *left)
{
	struct note	*n = &notes->note[notes->count - 1];
	const size_t	 len = strlen(n->text);

	if (len <= *left) {
		*left -= len;
		return;
	}
	free(n->name);
	free(n->title);
	free(n->url);
	free(n->text);
	memset(n, 0, sizeof(*n));
	notes->count--;
}

int
printed_notes(struct notes *notes, const char *text, size_t len, size_t most,
    char *why, size_t size)
{
	const char	*end = text + len, *line, *next;
	size_t		 left = KNOWLEDGE_BYTES, number = 0;
	char		 wrong[128];

	memset(notes, 0, sizeof(*notes));
	for (line = text; line < end && notes->count < most; line = next) {
		if ((next = memchr(line, '\n', (size_t)(end - line))) == NULL)
			next = end;
		number++;
		if (!utf8_blank(line, (size_t)(next - line))) {
			/* Counted at once, so that it is freed. */
			if (printed_line(&notes->note[notes->count++], line,
			    (size_t)(next - line), wrong, sizeof(wrong)) ==
			    -1) {
				(void)snprintf(why, size, "line %zu of what it "
				    "printed: %s", number, wrong);
				notes_free(notes);
				return -1;
			}
			printed_keep(notes, &left);
		}
		next += next < end;
	}
	if (given_prepare(notes) == 0)
		return 0;
	(void)snprintf(why, size, "no memory");
	notes_free(notes);
	return -1;
}

int
printed_join(const struct note *n, struct buf *b)
{
	return buf_puts(b, n->title) == -1 || buf_puts(b, "\n") == -1 ? -1 :
	    buf_puts(b, n->text);
}

int
printed_split(struct note *n, const char *text, size_t len)
{
	const char	*line = memchr(text, '\n', len);
	char		*title, *rest;

	if (line == NULL || utf8_blank(line, (size_t)(text + len - line))) {
		title = strdup(NO_TITLE);
		rest = strndup(text, len);
	} else {
		title = utf8_blank(text, (size_t)(line - text)) ?
		    strdup(NO_TITLE) : strndup(text, (size_t)(line - text));
		rest = strndup(line + 1, (size_t)(text + len - line) - 1);
	}
	if (title == NULL || rest == NULL) {
		free(title);
		free(rest);
		return -1;
	}
	free(n->title);
	free(n->text);
	n->title = title;
	n->text = rest;
	return 0;
}
