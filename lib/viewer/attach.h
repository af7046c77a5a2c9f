/*
 * Attaching a question to the generation of its ticket, or starting that one:
 * a loop with pauses, because somebody else may be about to do it, or have
 * just gone.  It ends with follow_begin, or with the question.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <stdint.h>

#include "viewer/question.h"

/* The first try; its deadline counts from here. */
void attach_begin(struct question *, int64_t now);

/* Another try, due at q->next. */
void attach_step(struct question *, int64_t now);

#endif
