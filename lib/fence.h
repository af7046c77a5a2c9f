/*
 * The fence around a ticket's text: the model is told that what stands
 * between two lines with the same random word is data.  Who writes a ticket
 * cannot know the word, so no text can end the fence.
 */
#ifndef FENCE_H
#define FENCE_H

#include <stddef.h>

#include "buf.h"

/*
 * Appends the text in its fence; the system prompt explains it.  Returns 0,
 * or -1 as buf_add, or with getrandom(2)'s errno.
 */
int fence_text(struct buf *, const char *text, size_t len)
    __attribute__((warn_unused_result));

#endif
