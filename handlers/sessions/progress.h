/*
 * How far something long has come, for whoever waits at a terminal.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

/*
 * Shows it on standard error, where that is a terminal, after half a second
 * and a few times a second; as store_watch wants it.  `what' is a literal.
 */
void progress_show(void *, const char *what, int64_t done, int64_t total);

/* Wipes what was shown. */
void progress_end(void);

#endif
