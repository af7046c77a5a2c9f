/*
 * Removes a model's thoughts where its server leaves them in the text: between
 * <think> and </think> or the like, or in the channels of Harmony.  The text
 * may come in pieces of any size.  Marks are looked for at the start of the
 * text only, so that an answer about such marks stays whole, and an answer that
 * begins with anything else is not delayed.
 */
#ifndef THOUGHT_H
#define THOUGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct thought {
	enum {
		THOUGHT_START,	/* only white space or thoughts so far */
		THOUGHT_INSIDE,	/* in thoughts, until `closer' */
		THOUGHT_CHANNEL,	/* in Harmony's thoughts */
		THOUGHT_FINAL,	/* in Harmony's answer */
		THOUGHT_TEXT	/* in the answer: no marks any more */
	}		 state;
	const char	*closer;
	bool		 opened;	/* a mark that opens thoughts has been
					   found */
	bool		 dropped;	/* some text was dropped */
	struct buf	 held;		/* undecided text; the caller sets its
					   cap */
};

/* Begins a new text; keeps the memory. */
void thought_begin(struct thought *);

/*
 * Takes a piece of the text and appends to `out' what belongs to the answer.
 * Holds back what may turn out to be a mark.  Returns 0, or -1 as buf_add.
 */
int thought_add(struct thought *, const char *, size_t, struct buf *out)
    __attribute__((warn_unused_result));

/* Ends the text: decides about what was held back.  Returns as thought_add. */
int thought_end(struct thought *, struct buf *out)
    __attribute__((warn_unused_result));

/*
 * The offset of the answer in a whole text that holds the end of thoughts but
 * not their beginning, which is in the model's template; 0: all of it is the
 * answer.
 */
size_t thought_late(const char *, size_t);

#endif
