/*
 * The same-text form: what a ticket's text is apart from how it was typed or
 * sent.  It is what is compared, hashed and given to the model; what is kept
 * and shown is the original.
 *
 * A leading U+FEFF is dropped; CRLF and CR become LF; U+00A0 becomes a blank;
 * blanks (U+0020, U+0009) before an LF and white space around the whole text
 * (U+0009 to U+000D, U+0020) are dropped; a letter and the combining mark
 * behind it (U+0300 to U+0328) become the one character of Latin-1 or Latin
 * Extended-A that they are.  Nothing else changes.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	TEXT_SECRET = 16,	/* bytes of the key of a hash */
	TEXT_HASH = 32		/* hexadecimal digits of a hash */
};

/*
 * The same-text form of a valid text of UTF-8, with a NUL behind it; NULL if
 * there is no memory.  The caller frees it.
 */
char *text_form(const char *text, size_t len, size_t *form_len);

/*
 * Whether two texts have the same form.  Equal bytes are compared first, so a
 * text that has not changed costs nothing.  Without memory they differ.
 */
bool text_same(const char *a, size_t a_len, const char *b, size_t b_len);

/* Reads a secret from its hexadecimal digits (NULL is none); false: not so. */
bool text_secret(unsigned char secret[TEXT_SECRET], const char *digits);

/*
 * Writes the hash of a text's form, SipHash-2-4-128 in small hexadecimal
 * digits with a NUL behind them.  Returns 0, or -1 if there is no memory.
 */
int text_hash(const unsigned char secret[TEXT_SECRET], const char *text,
    size_t len, char hash[TEXT_HASH + 1])
    __attribute__((warn_unused_result));

#endif
