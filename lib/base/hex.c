/*
 * Bytes as lower-case hexadecimal digits.
 */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

void
hex_write(const unsigned char *bytes, size_t count, char *digits)
{
	size_t	i;

	for (i = 0; i < count; i++)
		(void)snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
}

bool
hex_is(const char *text, size_t digits)
{
	return strlen(text) == digits &&
	    strspn(text, "0123456789abcdef") == digits;
}
