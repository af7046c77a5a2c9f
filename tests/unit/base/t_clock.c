/*
 * lib/base/clock: the timeout for poll(2) until a deadline; dates.
 */
#include <limits.h>

#include "base/clock.h"
#include "t.h"

static void
polls(void)
{
	static const struct {
		int64_t	now, deadline;
		int	want;
	} rows[] = {
		{ 0, CLOCK_NEVER, -1 }, { 5, 5, 0 }, { 6, 5, 0 },
		{ 5, INT64_MIN, 0 }, { 0, 1, 1 }, { 0, 999, 1 },
		{ 0, 1000, 1 }, { 0, 1001, 2 }, { 1000, 3000, 2 },
		{ 0, INT64_C(1000) * INT_MAX, INT_MAX },
		{ 0, INT64_C(1000) * INT_MAX + 1, INT_MAX },
		{ 0, CLOCK_NEVER - 1000, INT_MAX },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		check_int(clock_poll(rows[i].now, rows[i].deadline),
		    rows[i].want);
	}
}

static void
runs(void)
{
	int64_t	a = clock_us(), b;

	t_sleep_ms(20);
	b = clock_us();
	check(b - a >= 20000 && b - a < 2000000);
}

static void
dates(void)
{
	char	to[CLOCK_DATE];

	check_str(clock_date(0, to), "1970-01-01T00:00:00Z");
	check_str(clock_date(1795940100, to), "2026-11-29T08:15:00Z");
	check_str(clock_day(1795940100, to), "2026-11-29");
	check_str(clock_date(INT64_MAX, to), "");
	check_str(clock_day(INT64_MAX, to), "");
}

int
main(void)
{
	t_begin();
	run(polls);
	run(runs);
	run(dates);
	return t_end();
}
