/*
 * Attaching a question to the generation of its ticket, or starting that one:
 * a loop with pauses, because somebody else may be about to do it, or have
 * just gone.  It ends with follow_begin, or with the question.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <stdint.h>

#include "viewer/question.h"

/*
 * The first try, with what a verdict without an answer says; its deadline
 * counts from here.
 */
void attach_begin(struct question *, const struct verdict *, int64_t now);

/* Another try, due at q->next. */
void attach_step(struct question *, int64_t now);

/*
 * Starts the generation, under the claim: nobody generates, no answer is saved
 * and the user may have one.  Whose turn it takes is a hash, so that neither the
 * queue's locks nor anything else shows a name; "": nobody's.
 */
void attach_start(struct question *, const char *user_hash);

#endif
