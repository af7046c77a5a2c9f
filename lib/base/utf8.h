/*
 * UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The length of the character at s, 1 to 4; 0 if it is not valid, and -1 if
 * it may become valid with more bytes than len.  len is at least 1.
 */
int utf8_char(const char *s, size_t len);

/* Whether all of s is valid. */
bool utf8_valid(const char *s, size_t len);

/*
 * What a file is that ought to hold text in UTF-8, as words behind "it is";
 * NULL where it does hold text.  A byte order mark of UTF-8 in front is good.
 */
const char *utf8_instead(const char *s, size_t len);

/* The bytes of a byte order mark at the beginning of a text: 3 or 0. */
size_t utf8_mark(const char *s, size_t len);

/* The length of the longest start of s, at most max, that cuts no character
 * in two. */
size_t utf8_cut(const char *s, size_t len, size_t max);

/* Whether s shows nothing: only white space and invisible characters. */
bool utf8_blank(const char *s, size_t len);

/* Writes the character c (no surrogate, at most U+10FFFF); returns 1 to 4. */
size_t utf8_encode(uint32_t c, char out[4]);

/* A text from outside on its way to people, in pieces of any size. */
struct utf8_cleaner {
	char	tail[4];	/* the start of a character cut in two */
	size_t	len;
};

/*
 * Appends the piece to out with everything that is not valid, and every
 * control character that a terminal would act on, replaced by U+FFFD.  A
 * character that is cut in two waits for the next piece.  Returns 0, or -1 as
 * buf_add.
 */
int utf8_clean(struct utf8_cleaner *, const char *s, size_t len,
    struct buf *out) __attribute__((warn_unused_result));

#endif
