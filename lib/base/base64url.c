/*
 * base64url without padding.
 */
#include <string.h>

#include "base/base64url.h"

static const char	alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789-_";

bool
base64url_decode(const char *s, size_t len, struct buf *out)
{
	const char	*at;
	unsigned	 bits = 0, count = 0;
	char		 byte;
	size_t		 i;

	for (i = 0; i < len; i++) {
		if (s[i] == '\0' || (at = strchr(alphabet, s[i])) == NULL)
			return false;
		bits = bits << 6 | (unsigned)(at - alphabet);
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		byte = (char)(bits >> count & 0xff);
		bits &= (1U << count) - 1;
		if (buf_add(out, &byte, 1) == -1)
			return false;
	}
	return count < 6 && bits == 0;
}

int
base64url_encode(struct buf *out, const unsigned char *p, size_t len)
{
	unsigned	bits = 0, count = 0;
	size_t		i;

	for (i = 0; i < len; i++) {
		bits = (bits << 8 | p[i]) & 0xffff;
		for (count += 8; count >= 6; ) {
			count -= 6;
			if (buf_add(out, &alphabet[bits >> count & 0x3f],
			    1) == -1)
				return -1;
		}
	}
	if (count == 0)
		return 0;
	return buf_add(out, &alphabet[bits << (6 - count) & 0x3f], 1);
}
