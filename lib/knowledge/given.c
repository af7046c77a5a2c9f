/*
 * Notes as they are given to the model: see given.h.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "base/link.h"
#include "base/utf8.h"
#include "knowledge/given.h"
#include "text/text.h"

/* Makes a text one line: each control character becomes a blank. */
static void
given_line(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			*text = ' ';
	}
}

/* Puts another text in the place of one.  Returns false: no memory. */
static bool
given_replace(char **text, char *other)
{
	if (other == NULL)
		return false;
	free(*text);
	*text = other;
	return true;
}

static bool
given_prepare_note(struct note *n)
{
	size_t	len;

	if (utf8_blank(n->title, strlen(n->title)) &&
	    !given_replace(&n->title, strdup(n->name)))
		return false;
	given_line(n->title);
	if (!given_replace(&n->title, text_form(n->title,
	    utf8_cut(n->title, strlen(n->title), TITLE_MAX), &len)))
		return false;
	if (!link_is_good(n->url, strlen(n->url)))
		*n->url = '\0';
	return given_replace(&n->text, text_form(n->text, strlen(n->text),
	    &len));
}

int
given_prepare(struct notes *all)
{
	struct notes	gone = { .count = 0 };
	size_t		i, len, kept = 0, left = KNOWLEDGE_BYTES;

	for (i = 0; i < all->count; i++) {
		if (!given_prepare_note(&all->note[i]))
			return -1;
	}
	for (i = 0; i < all->count; i++) {
		len = strlen(all->note[i].text);
		if (len > left || utf8_blank(all->note[i].text, len)) {
			gone.note[gone.count++] = all->note[i];
			continue;
		}
		left -= len;
		all->note[kept++] = all->note[i];
	}
	all->count = kept;
	notes_free(&gone);
	return 0;
}
