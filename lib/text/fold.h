/*
 * Folding: what people type in different ways becomes the same characters.
 * Full-width forms, ligatures and half-width kana become the usual characters
 * (NFKC), capitals small letters, Latin letters with marks base letters; the
 * marks U+0300 to U+036F and invisible characters are dropped.
 */
#ifndef FOLD_H
#define FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A database whose words were folded by another version is indexed again
 * (knowledge/learn.h).  Raise it with each change of fold.c, fold_table.py or
 * lib/knowledge/terms.c.
 */
enum { FOLD_VERSION = 1 };

enum { FOLD_MAX = 18 };		/* what one character becomes at most */

enum fold_kind {
	FOLD_OTHER,		/* separates words */
	FOLD_LETTER,		/* or a number that is no digit */
	FOLD_DIGIT,
	FOLD_MARK		/* belongs to the letter in front of it */
};

/* Folds a code point.  Returns how many characters it becomes, 0 to
   FOLD_MAX. */
size_t fold(uint32_t c, uint32_t out[FOLD_MAX]);

/* What a folded character is. */
enum fold_kind fold_kind(uint32_t c);

/* Whether a character belongs to a script without spaces between words: Han,
   kana, Hangul, Thai, Lao, Khmer, Burmese. */
bool fold_spaceless(uint32_t c);

/*
 * Calls `each' for each character of a folded text, with the bytes [from, to)
 * of the text from which it comes, until it returns false.  A kana and a
 * voicing mark behind it are one character.
 */
void fold_text(const char *text, size_t len, bool (*each)(void *,
    uint32_t c, size_t from, size_t to), void *);

#endif
