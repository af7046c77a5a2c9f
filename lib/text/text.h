/*
 * The same-text form: a ticket's text without differences in how it was typed
 * or sent.  This form is compared, hashed and given to the model; the original
 * is saved and shown.
 *
 * The form is made as follows.  A leading U+FEFF is dropped.  CRLF and CR
 * become LF.  U+00A0 becomes a space.  Blanks (U+0020, U+0009) before an LF,
 * and white space around the whole text (U+0009 to U+000D, U+0020), are
 * dropped.  A letter and the combining mark after it (U+0300 to U+0328) become
 * one character of Latin-1 or Latin Extended-A.  Nothing else changes.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TEXT_SECRET = 16,	/* bytes of the key for hashes */
	TEXT_HASH = 32,		/* hexadecimal digits of a hash */
	TEXT_WORD = 16		/* hexadecimal digits of a fence's word */
};

/*
 * Makes the same-text form of a valid UTF-8 text, with a NUL after it.  Returns
 * NULL if there is no memory.  The caller frees it.
 */
char *text_form(const char *text, size_t len, size_t *form_len);

/*
 * Whether two texts have the same form.  Compares the bytes first, so unchanged
 * text costs little.  Returns false if there is no memory.
 */
bool text_same(const char *a, size_t a_len, const char *b, size_t b_len);

/*
 * As text_form, with each run of white space (U+0009 to U+000D, U+0020) as one
 * space: the form in which questions are compared.
 */
char *text_folded(const char *text, size_t len, size_t *folded_len);

/*
 * Reads a key from hexadecimal digits.  Returns false if they are invalid or
 * NULL.
 */
bool text_secret(unsigned char secret[TEXT_SECRET], const char *digits);

/*
 * Writes the hash of a text's form: SipHash-2-4-128 in lower-case hexadecimal
 * digits with a NUL.  Returns 0, or -1 if there is no memory.
 */
int text_hash(const unsigned char secret[TEXT_SECRET], const char *text,
    size_t len, char hash[TEXT_HASH + 1])
    __attribute__((warn_unused_result));

/*
 * Writes the word of the fences (ollama/prompt.h) around a ticket's text: the
 * first 16 hexadecimal digits of SipHash-2-4-128 over the ticket's id, a
 * counter and the text's form.  What is hashed begins with a NUL, which no text
 * contains, so that no text has this hash in another use of the key.  Returns
 * as text_hash.
 */
int text_word(const unsigned char secret[TEXT_SECRET], int64_t ticket,
    const char *text, size_t len, unsigned counter, char word[TEXT_WORD + 1])
    __attribute__((warn_unused_result));

/* Whether a text contains the word in upper or lower case; "": it does not. */
bool text_has_word(const char *text, size_t len, const char *word);

#endif
