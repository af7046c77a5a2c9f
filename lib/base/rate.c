/*
 * Reads a rate limit.
 */
#include <string.h>

#include "base/number.h"
#include "base/rate.h"

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
	const size_t	len = strcspn(text, "/");
	size_t		i;

	*count = *period = 0;
	if (strcmp(text, "off") == 0)
		return true;
	if (!number_read(text, len, 1000000, count) || *count == 0)
		return false;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + len, units[i].name) == 0)
			*period = units[i].seconds * 1000000;
	}
	return *period != 0;
}
