/*
 * What retrieval reads of a ticket that came by mail: without quoted replies,
 * header lines and signatures, whose words would find wrong notes.  The model
 * reads the whole text (TICKET_FILTER is another matter).
 */
#ifndef CLEAN_H
#define CLEAN_H

#include <stddef.h>

#include "base/buf.h"

enum { CLEAN_MAX = 16384 };	/* bytes of a text that are read */

/*
 * Appends the cleaned text, at most CLEAN_MAX bytes of it; the original if
 * nothing is left.  Returns 0, or -1 as buf_add.
 */
int clean(const char *text, size_t len, struct buf *)
    __attribute__((warn_unused_result));

#endif
