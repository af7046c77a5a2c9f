/*
 * Time for deadlines: CLOCK_MONOTONIC, so that a clock that is set moves none.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/* Now, in microseconds since some point in the past. */
int64_t clock_us(void);

/* No deadline. */
#define CLOCK_NEVER	INT64_MAX

/*
 * What poll(2) should wait for `deadline': milliseconds, rounded up so that
 * the deadline has passed when it returns; -1 for CLOCK_NEVER.
 */
int clock_poll(int64_t now, int64_t deadline);

#endif
