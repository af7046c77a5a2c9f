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

/*
 * The number of a ticket or a session: 1 to 2^63-1, without leading zeros;
 * 0 if the text is not one.
 */
int64_t number_id(const char *text);

#endif
