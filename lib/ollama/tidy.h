/*
 * Takes out of an answer what a model repeats though it is not meant for
 * people: the word of the fence around the ticket, with its brackets, and the
 * line if nothing else is on it; the marks with which a template ends a turn,
 * at the very end.  A machine over the text as it comes, in pieces of any size;
 * only what may still become one of these is held.
 */
#ifndef TIDY_H
#define TIDY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "ollama/prompt.h"

struct tidy {
	char		word[PROMPT_WORD + 1];	/* empty: there is no fence */
	bool		everywhere;	/* the word also within another */
	bool		inside;		/* the line has text already */
	bool		letter;		/* what was given last is one */
	bool		found;		/* something was taken out */
	struct buf	held;		/* not yet decided; give it a cap */
};

/* Begins a text; the memory stays. */
void tidy_begin(struct tidy *, const char *word);

/* Takes a piece, and appends to `out' what stays.  0, or -1 as buf_add. */
int tidy_add(struct tidy *, const char *, size_t, struct buf *out)
    __attribute__((warn_unused_result));

/* The text has ended: as tidy_add, for what was held. */
int tidy_end(struct tidy *, struct buf *out)
    __attribute__((warn_unused_result));

#endif
