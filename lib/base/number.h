/*
 * Numbers written by people.  Each number has only one spelling, so that all
 * programs that read it (a shell and websocketd, too) agree on its value.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a whole number from 0 to `max': len decimal digits without leading
 * zeros.  Returns false and leaves *n unchanged if the text is anything else.
 */
bool number_read(const char *text, size_t len, int64_t max, int64_t *n);

/*
 * Reads a number from 0 to `max' thousandths, in thousandths: as 2, 0.5 or
 * 1.25, with at most three digits behind the point and at least one in front of
 * it.  Returns as number_read.
 */
bool number_thousandths(const char *text, size_t len, int64_t max, int64_t *n);

/*
 * Reads the number of a ticket or session: 1 to 2^63-1, without leading zeros.
 * Returns 0 if the text is anything else.
 */
int64_t number_id(const char *text);

#endif
