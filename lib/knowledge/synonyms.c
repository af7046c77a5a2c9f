/*
 * Groups of words that mean the same: one list of terms in the order of the
 * file.  It is searched from the beginning, which is quick enough for some
 * thousand terms of a ticket and some hundred groups.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "knowledge/synonyms.h"
#include "knowledge/terms.h"

enum { GROUPS_WORDS_MAX = 8192 };

struct synonyms {
	size_t	count;
	struct {
		char	term[TERM_MAX + 1];
		size_t	len;
		int	group;
	}	word[];
};

int
synonyms_find(const struct synonyms *s, const char *term, size_t len)
{
	size_t	i;

	for (i = 0; s != NULL && i < s->count; i++) {
		if (s->word[i].len == len &&
		    memcmp(s->word[i].term, term, len) == 0)
			return s->word[i].group;
	}
	return 0;
}

const char *
synonyms_member(const struct synonyms *s, int group, size_t n)
{
	size_t	i;

	for (i = 0; s != NULL && i < s->count; i++) {
		if (s->word[i].group == group && n-- == 0)
			return s->word[i].term;
	}
	return NULL;
}

/* A word of the file: its terms. */
struct folded {
	char	term[TERM_MAX + 1];
	size_t	len;
	int	count;
};

static bool
synonyms_fold(void *context, const struct term *t)
{
	struct folded	*f = context;

	f->count++;
	f->len = t->len;
	memcpy(f->term, t->text, t->len);
	f->term[t->len] = '\0';
	return f->count < 2;
}

/* Adds a word.  Returns what is wrong; NULL: nothing. */
static const char *
synonyms_add(struct synonyms *s, const char *word, size_t len, int group,
    int line)
{
	static char	why[200];
	struct folded	f = { .count = 0 };
	int		other;

	terms(word, len, synonyms_fold, &f);
	if (f.count != 1) {
		(void)snprintf(why, sizeof(why), "line %d: \"%.*s\" is not one "
		    "word (of scripts without spaces write two characters)",
		    line, (int)utf8_cut(word, len, 60), word);
		return why;
	}
	if ((other = synonyms_find(s, f.term, f.len)) == group)
		return NULL;
	if (other != 0 || s->count == GROUPS_WORDS_MAX) {
		(void)snprintf(why, sizeof(why), other != 0 ? "line %d: "
		    "\"%.*s\" is in another group already" :
		    "line %d: \"%.*s\": too many words", line,
		    (int)utf8_cut(word, len, 60), word);
		return why;
	}
	memcpy(s->word[s->count].term, f.term, f.len + 1);
	s->word[s->count].len = f.len;
	s->word[s->count++].group = group;
	return NULL;
}

/* Reads all lines. */
static const char *
synonyms_parse(struct synonyms *s, const char *text)
{
	const char	*why = NULL, *end;
	int		 line;
	size_t		 len;

	for (line = 1; *text != '\0' && why == NULL; line++) {
		end = text + strcspn(text, "\n");
		if (*text == '#')
			text = end;
		for (; text < end && why == NULL; text += len) {
			text += strspn(text, " \t\r");
			if (text >= end)
				break;
			len = strcspn(text, " \t\r\n");
			if (len == 0)
				break;
			why = synonyms_add(s, text, len, line, line);
		}
		text = end + (*end == '\n');
	}
	return why;
}

struct synonyms *
synonyms_read(const char *path, const char **why)
{
	struct synonyms	*s;
	const char	*wrong = NULL;
	char		*text;
	size_t		 len;

	if (why == NULL)
		why = &wrong;
	*why = NULL;
	if (*path == '\0')
		return NULL;
	if ((text = file_read(path, SYNONYMS_MAX, false, &len)) == NULL) {
		*why = strerror(errno);
		return NULL;
	}
	s = malloc(sizeof(*s) + GROUPS_WORDS_MAX * sizeof(s->word[0]));
	if (s == NULL) {
		*why = strerror(ENOMEM);
	} else {
		s->count = 0;
		if (utf8_instead(text, len) != NULL || strlen(text) < len)
			*why = "it is not UTF-8 text";
		else
			*why = synonyms_parse(s, text + utf8_mark(text, len));
		if (*why != NULL) {
			free(s);
			s = NULL;
		}
	}
	free(text);
	return s;
}

void
synonyms_free(struct synonyms *s)
{
	free(s);
}
