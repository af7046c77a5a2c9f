/*
 * The terms of a text: what is indexed, and what a ticket is looked up by.
 *
 * - A word with a digit, as it is, 32 bytes of it, without 0x in front; of up
 *   to four letters and then four or more digits also the digits alone.
 * - Another word without a final s (of four letters or more, and not ss), and
 *   then six letters of it.
 * - In scripts without spaces each two characters that are next to each other,
 *   if they are not both hiragana; in those of South-East Asia each four, with
 *   their marks.  A shorter run is one term.
 */
#ifndef TERMS_H
#define TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { TERM_MAX = 64 };		/* bytes */

struct term {
	const char	*text;		/* with a NUL; until the callback
					   returns */
	size_t		 len;
	double		 weight;	/* 1, or less for a part of a run */
	bool		 digit;		/* has one */
	bool		 code;		/* the same, and five characters or
					   more */
	/* Says nothing about a subject: function words, greetings, single
	   letters, one or two digits. */
	bool		 common;
};

/* Calls `each' for the terms of a text, in order, until it returns false. */
void terms(const char *text, size_t len, bool (*each)(void *,
    const struct term *), void *);

/*
 * Appends the terms of a text, with a blank between two and behind what the
 * buffer holds.  Returns 0, or -1 as buf_add.
 */
int terms_join(const char *text, size_t len, struct buf *)
    __attribute__((warn_unused_result));

/*
 * As terms_join, with at most `most' different terms in the buffer, each of
 * them once.
 */
int terms_join_distinct(const char *text, size_t len, size_t most,
    struct buf *) __attribute__((warn_unused_result));

#endif
