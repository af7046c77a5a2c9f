/*
 * Time for deadlines: CLOCK_MONOTONIC, so that setting the system's clock does
 * not move a deadline.  And dates as people read them.
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

/* Writes a time in UTC as ISO 8601, 2026-11-29T08:15:00Z, or only the day of
   it.  Returns `to', which is "" if there is no such date. */
enum { CLOCK_DATE = 32 };
const char *clock_date(int64_t time, char to[CLOCK_DATE]);
const char *clock_day(int64_t time, char to[CLOCK_DATE]);

#endif
