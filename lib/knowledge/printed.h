/*
 * Notes that a program printed: JSON lines as `sessions similar --json' prints.
 *
 *	{"name":"reset.md","title":"Reset","url":"https://…","text":"Hold it."}
 */
#ifndef PRINTED_H
#define PRINTED_H

#include <stddef.h>

#include "base/buf.h"
#include "knowledge/note.h"

/*
 * Reads the first `most' notes.  A line needs a `text'; `name', `title' and
 * `url' may be missing or null, and other members are ignored.  A note that
 * does not fit into what is left of KNOWLEDGE_BYTES is left out.  The caller
 * calls notes_free.  Returns 0, or -1 with what is wrong in `why'; the list is
 * then empty.
 */
int printed_notes(struct notes *, const char *text, size_t len, size_t most,
    char *why, size_t size) __attribute__((warn_unused_result));

/*
 * The title and the text of a note in one text, and back: the first line is the
 * title.  printed_join appends to the buffer; printed_split replaces both
 * texts; a text without a second line is the text.  A title that is missing or
 * blank becomes "Note", not what it or the name was, which no filter has seen.
 * Return 0, or -1 with errno.
 */
int printed_join(const struct note *, struct buf *)
    __attribute__((warn_unused_result));
int printed_split(struct note *, const char *text, size_t len)
    __attribute__((warn_unused_result));

#endif
