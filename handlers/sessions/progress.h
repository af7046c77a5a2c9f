/*
 * Shows on a terminal how far a long operation has come.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

/*
 * Shows the progress on standard error if that is a terminal: after half a
 * second, and then a few times a second.  A callback for store_watch.  `what'
 * must be a literal.
 */
void progress_show(void *, const char *what, int64_t done, int64_t total);

/* Clears the progress line. */
void progress_end(void);

#endif
