/*
 * What a model thinks, where its server leaves that in the text: between
 * <think> and </think> or their like, or in the channels of Harmony.  A
 * machine over the text as it comes, in pieces of any size; no network, no
 * clock.  It looks for marks at the start of the text only, so that an answer
 * that is about them stays whole, and one that begins with anything else is
 * not delayed.
 */
#ifndef THOUGHT_H
#define THOUGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct thought {
	enum {
		THOUGHT_START,	/* white space until now, or thoughts */
		THOUGHT_INSIDE,	/* until `closer' */
		THOUGHT_CHANNEL,	/* in Harmony's thoughts */
		THOUGHT_FINAL,	/* in Harmony's answer */
		THOUGHT_TEXT	/* the answer; nothing is looked for */
	}		 state;
	const char	*closer;
	bool		 opened;	/* an opener has been there */
	bool		 dropped;	/* something was dropped */
	struct buf	 held;		/* not yet decided; give it a cap */
};

/* Begins a text; the memory stays. */
void thought_begin(struct thought *);

/*
 * Takes a piece, and appends to `out' what is meant for people.  What may
 * still become a mark is held.  Returns 0, or -1 as buf_add.
 */
int thought_add(struct thought *, const char *, size_t, struct buf *out)
    __attribute__((warn_unused_result));

/* The text has ended: as thought_add, for what was held. */
int thought_end(struct thought *, struct buf *out)
    __attribute__((warn_unused_result));

/*
 * Where the answer begins in a whole text that began as one, but holds the end
 * of thoughts without their beginning, which stands in the model's template;
 * 0: it is an answer.
 */
size_t thought_late(const char *, size_t);

#endif
