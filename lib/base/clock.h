/*
 * Time for deadlines: CLOCK_MONOTONIC, so that setting the system's clock does
 * not move a deadline.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/*
 * Now, in microseconds since the machine booted, without the time that it was
 * suspended.
 */
int64_t clock_us(void);

/* No deadline. */
#define CLOCK_NEVER	INT64_MAX

/*
 * The timeout for poll(2) until a deadline: milliseconds, rounded up so that
 * the deadline has passed when poll returns; -1 for CLOCK_NEVER.
 */
int clock_poll(int64_t now, int64_t deadline);

#endif
