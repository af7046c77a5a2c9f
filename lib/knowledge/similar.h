/*
 * Retrieval: which passages of the team's knowledge fit a ticket.
 */
#ifndef SIMILAR_H
#define SIMILAR_H

#include <stddef.h>

#include "frame/failure.h"
#include "knowledge/note.h"
#include "settings/settings.h"
#include "store/store.h"

/*
 * Finds at most `most' passages for a ticket's text (valid UTF-8), the best
 * first, together at most KNOWLEDGE_BYTES bytes of text.  What scores below
 * KNOWLEDGE_FLOOR does not count.  The list is empty if nothing fits, nothing
 * was learnt, or KNOWLEDGE=0.  The caller calls notes_free, also after an
 * error.
 *
 * Returns FAILURE_NONE, FAILURE_STORAGE (store_error), FAILURE_INTERNAL (no
 * memory).
 */
enum failure_code knowledge_similar(struct store *, const struct settings *,
    const char *text, size_t len, size_t most, struct notes *);

#endif
