/*
 * Reads numbers.
 */
#include <string.h>

#include "base/number.h"

bool
number_read(const char *text, size_t len, int64_t max, int64_t *n)
{
	int64_t	value = 0;
	size_t	i;

	if (len == 0 || (len > 1 && text[0] == '0'))
		return false;
	for (i = 0; i < len; i++) {
		const int	digit = text[i] - '0';

		if (digit < 0 || digit > 9 || value > (max - digit) / 10)
			return false;
		value = 10 * value + digit;
	}
	if (value > max)
		return false;
	*n = value;
	return true;
}

bool
number_thousandths(const char *text, size_t len, int64_t max, int64_t *n)
{
	const char	*point = memchr(text, '.', len);
	const size_t	 whole = point == NULL ? len : (size_t)(point - text);
	int64_t		 value, unit = 1000;
	size_t		 i;

	if (!number_read(text, whole, max / 1000, &value) ||
	    (point != NULL && (len - whole < 2 || len - whole > 4)))
		return false;
	value *= 1000;
	for (i = whole + 1; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		unit /= 10;
		value += unit * (text[i] - '0');
	}
	if (value > max)
		return false;
	*n = value;
	return true;
}

int64_t
number_id(const char *text)
{
	int64_t	n = 0;

	(void)number_read(text, strlen(text), INT64_MAX, &n);
	return n;
}
