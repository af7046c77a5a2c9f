/*
 * The text of an HTML page, as far as retrieval needs it.
 */
#ifndef HTML_H
#define HTML_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Appends the text of a page as Markdown that has only paragraphs, headings and
 * list items: without scripts, styles and comments, with the characters that
 * entities stand for.  Copies the content of <title> to `title' (may be NULL).
 * Returns 0, or -1 as buf_add.
 */
int html_text(const char *html, size_t len, char *title, size_t size,
    struct buf *) __attribute__((warn_unused_result));

#endif
