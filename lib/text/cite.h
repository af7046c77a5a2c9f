/*
 * Which of the notes that the model was given an answer cites.
 */
#ifndef CITE_H
#define CITE_H

#include <stddef.h>

#include "base/buf.h"

enum { CITE_MAX = 31 };

/*
 * The numbers from 1 to CITE_MAX that an answer in Markdown cites: bit n is set
 * if [n] occurs outside code spans and fenced code, and is no link's text.
 */
unsigned text_cited(const char *text, size_t len);

/* Appends the text without these citations and the blanks before them.  Returns
   0, or -1 if there is no memory. */
int text_uncited(const char *text, size_t len, struct buf *out);

#endif
