/*
 * Addresses that a page may link to.
 */
#include <string.h>
#include <strings.h>

#include "base/link.h"
#include "base/utf8.h"

/* The length of a text's scheme with its slashes; 0: it has another one. */
static size_t
link_scheme(const char *text, size_t len)
{
	static const char *const	schemes[] = { "http://", "https://" };
	size_t				i, n;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i]);
		if (len > n && strncasecmp(text, schemes[i], n) == 0)
			return n;
	}
	return 0;
}

bool
link_is_good(const char *text, size_t len)
{
	size_t	i, from = link_scheme(text, len);

	if (from == 0 || len > LINK_MAX || !utf8_valid(text, len))
		return false;
	for (i = 0; i < len; i++) {
		/* Browsers take a backslash for a slash. */
		if ((unsigned char)text[i] <= ' ' || text[i] == '\x7f' ||
		    strchr("\"<>\\`", text[i]) != NULL)
			return false;
	}
	for (i = from; i < len && strchr("/?#", text[i]) == NULL; i++) {
		if (text[i] == '@')
			return false;
	}
	return i > from && text[from] != ':';
}
