/*
 * Notes as they are given to the model, kept and shown.
 */
#ifndef GIVEN_H
#define GIVEN_H

#include "knowledge/note.h"

/*
 * Makes notes ready: a title is one line of at most TITLE_MAX bytes, and the
 * note's name if it is blank; an address that no page may link to
 * (base/link.h) becomes ""; a text gets its same-text form.  Notes without a
 * text leave, and those that do not fit into what is left of KNOWLEDGE_BYTES.
 * Returns 0, or -1 with errno ENOMEM.
 */
int given_prepare(struct notes *) __attribute__((warn_unused_result));

#endif
