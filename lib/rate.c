/*
 * Reading a rate limit.
 */
#include <stdlib.h>
#include <string.h>

#include "rate.h"

bool
rate_parse(const char *text, int64_t *count, int64_t *period)
{
	static const struct {
		const char	*name;
		int64_t		 seconds;
	} units[] = {
		{ "/sec", 1 }, { "/min", 60 }, { "/hour", 3600 },
		{ "/day", 86400 },
	};
	char	*end;
	size_t	 i;

	*count = *period = 0;
	if (strcmp(text, "off") == 0)
		return true;
	*count = strtoll(text, &end, 10);
	if (*text < '1' || *text > '9' || *count > 1000000)
		return false;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) == 0)
			*period = units[i].seconds * 1000000;
	}
	return *period != 0;
}
