/*
 * What retrieval gives to an answer: passages of the team's knowledge that fit
 * a ticket.
 */
#ifndef NOTE_H
#define NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/limit.h"

/* A passage that fits a ticket. */
struct note {
	int64_t	 passage;	/* 0: it comes from KNOWLEDGE_COMMAND */
	/* Owned texts; url "": none. */
	char	*name, *title, *url, *text;
	int64_t	 ticket;	/* the solved ticket that it comes from; 0:
				   none */
	double	 score;		/* the floor is 1.3 unless KNOWLEDGE_FLOOR says
				   otherwise */
};

enum { NOTES_MAX = KNOWLEDGE_MAX };

/* The best one is the first. */
struct notes {
	struct note	note[NOTES_MAX];
	size_t		count;
};

/* Frees the texts, and empties the list. */
void notes_free(struct notes *);

#endif
