/*
 * Time for deadlines, and dates.
 */
#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

int64_t
clock_us(void)
{
	struct timespec	t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);	/* cannot fail */
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int
clock_poll(int64_t now, int64_t deadline)
{
	int64_t	ms;

	if (deadline == CLOCK_NEVER)
		return -1;
	if (deadline <= now)
		return 0;
	ms = (deadline - now + 999) / 1000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

const char *
clock_date(int64_t time, char to[CLOCK_DATE])
{
	const time_t	t = time;
	struct tm	tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(to, CLOCK_DATE,
	    "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		to[0] = '\0';
	return to;
}

const char *
clock_day(int64_t time, char to[CLOCK_DATE])
{
	(void)clock_date(time, to);
	to[strcspn(to, "T")] = '\0';
	return to;
}
