/*
 * UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The length of the first character in s, 1 to 4.  Returns 0 if it is invalid,
 * -1 if more bytes may make it valid.  len must be at least 1.
 */
int utf8_char(const char *s, size_t len);

/* Whether all of s is valid UTF-8. */
bool utf8_valid(const char *s, size_t len);

/*
 * What a file holds instead of UTF-8 text, to be written after "it is"; NULL if
 * it is UTF-8 text.  A UTF-8 byte order mark is allowed.
 */
const char *utf8_instead(const char *s, size_t len);

/* The length of a byte order mark at the start of a text: 3 or 0. */
size_t utf8_mark(const char *s, size_t len);

/* The length of the longest prefix of s, at most max, that splits no
   character. */
size_t utf8_cut(const char *s, size_t len, size_t max);

/* Whether s is invisible: only white space and invisible characters. */
bool utf8_blank(const char *s, size_t len);

/*
 * Encodes a code point (not a surrogate, at most U+10FFFF).  Returns the
 * length, 1 to 4.
 */
size_t utf8_encode(uint32_t c, char out[4]);

/* State for cleaning a text from outside that arrives in pieces. */
struct utf8_cleaner {
	char	tail[4];	/* an incomplete character */
	size_t	len;
};

/*
 * Appends a piece to `out', with U+FFFD in place of invalid bytes and of
 * control characters that terminals act on.  Keeps an incomplete character for
 * the next piece.  Returns 0, or -1 as buf_add.
 */
int utf8_clean(struct utf8_cleaner *, const char *s, size_t len,
    struct buf *out) __attribute__((warn_unused_result));

/*
 * Whether three bytes are a character that changes the layout of the following
 * text, so that what is shown is not what is stored.  U+202A to 202E and U+2066
 * to 2069 change the writing direction (UAX #9); U+2028 and U+2029 end a line.
 */
bool utf8_is_layout(const char *);

/*
 * Appends a text from outside so that neither its control characters nor those
 * that change the layout can act on a terminal.  With `line' it stays on one
 * line.  Returns 0, or -1 as buf_add.
 */
int utf8_tame(const char *, size_t len, bool line, struct buf *)
    __attribute__((warn_unused_result));

#endif
