/*
 * Removes from an answer what a model repeats though it is not meant for
 * people: the word of the fences, wherever it stands and in either case, with
 * its brackets, and the line if nothing else is on it; and, at the very end,
 * the marks by which a template ends a turn.  The text may come in pieces of
 * any size; only what may turn out to be one of these is held back.
 */
#ifndef TIDY_H
#define TIDY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "text/text.h"

struct tidy {
	char		word[TEXT_WORD + 1];	/* empty: no fence */
	bool		inside;		/* the line has other text */
	bool		found;		/* something was removed */
	struct buf	held;		/* undecided text; the caller sets its
					   cap */
};

/* Begins a new text; keeps the memory. */
void tidy_begin(struct tidy *, const char *word);

/*
 * Takes a piece of the text and appends to `out' what stays.  Returns 0, or -1
 * as buf_add.
 */
int tidy_add(struct tidy *, const char *, size_t, struct buf *out)
    __attribute__((warn_unused_result));

/* Ends the text: decides about what was held back.  Returns as tidy_add. */
int tidy_end(struct tidy *, struct buf *out)
    __attribute__((warn_unused_result));

#endif
