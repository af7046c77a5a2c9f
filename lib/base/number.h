/*
 * Numbers that people write: each has one spelling only, so that every
 * program that reads one, a shell and websocketd too, reads the same.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a whole number from 0 to `max' out of `len' bytes: decimal digits and
 * nothing else, without leading zeros.  Returns whether it is one; *n is set
 * only then.
 */
bool number_read(const char *text, size_t len, int64_t max, int64_t *n);

#endif
