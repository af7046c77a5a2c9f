/*
 * Notes that fit everything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "knowledge/similar.h"
#include "sessions/command.h"
#include "sessions/spam.h"
#include "store/knowledge.h"

enum {
	SPAM_ASKED = 100,	/* titles */
	SPAM_FEWEST = 20,	/* with fewer notes nobody can tell */
	SPAM_FIRST = 4,
	SPAM_PERCENT = 15
};

struct spam {
	char	*title[SPAM_ASKED], *name[SPAM_ASKED];
	size_t	 count;
	struct {
		char	*name;
		size_t	 times;
	}	 found[SPAM_ASKED * SPAM_FIRST];
	size_t	 found_count;
};

static bool
spam_note(void *context, const struct cell *c, int cells)
{
	struct spam	*s = context;

	(void)cells;
	if (s->count == SPAM_ASKED)
		return true;
	s->name[s->count] = strndup(c[0].text, c[0].len);
	s->title[s->count] = strndup(c[1].text, c[1].len);
	s->count++;
	return true;
}

/* Counts a note that was found for another one's title. */
static void
spam_count(struct spam *s, const char *name)
{
	size_t	i;

	for (i = 0; i < s->found_count; i++) {
		if (strcmp(s->found[i].name, name) == 0) {
			s->found[i].times++;
			return;
		}
	}
	if ((s->found[i].name = strdup(name)) == NULL)
		return;
	s->found[i].times = 1;
	s->found_count++;
}

/* Looks up a title; a note with several passages counts once. */
static void
spam_ask(struct store *store, const struct settings *settings, struct spam *s,
    size_t which)
{
	struct notes	n;
	size_t		i, j;
	bool		again;

	if (s->title[which] == NULL || s->name[which] == NULL)
		return;
	(void)knowledge_similar(store, settings, s->title[which],
	    strlen(s->title[which]), SPAM_FIRST, &n);
	for (i = 0; i < n.count; i++) {
		again = strcmp(n.note[i].name, s->name[which]) == 0;
		for (j = 0; j < i; j++)
			again |= strcmp(n.note[i].name, n.note[j].name) == 0;
		if (!again)
			spam_count(s, n.note[i].name);
	}
	notes_free(&n);
}

void
spam_warn(const struct settings *settings, struct store *store)
{
	static struct spam	s;
	struct settings		loose = *settings;
	size_t			i;

	loose.number[SETTING_KNOWLEDGE] = SPAM_FIRST;
	loose.number[SETTING_KNOWLEDGE_FLOOR] = 0;
	if (store_some_titles(store, SPAM_ASKED, spam_note, &s) ==
	    FAILURE_NONE && s.count >= SPAM_FEWEST) {
		for (i = 0; i < s.count; i++) {
			spam_ask(store, &loose, &s, i);
			progress_show(NULL, "comparing", (int64_t)i,
			    (int64_t)s.count);
		}
	}
	progress_end();
	for (i = 0; i < s.found_count; i++) {
		if (s.found[i].times * 100 > s.count * SPAM_PERCENT)
			(void)fprintf(stderr, "sessions: warning: %s fits %zu "
			    "of %zu other notes' titles, and so would fit "
			    "nearly every ticket: cut it into smaller ones, or "
			    "remove it (sessions knowledge --delete)\n",
			    s.found[i].name, s.found[i].times, s.count);
		free(s.found[i].name);
	}
	for (i = 0; i < s.count; i++) {
		free(s.title[i]);
		free(s.name[i]);
	}
}
