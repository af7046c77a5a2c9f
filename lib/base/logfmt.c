/*
 * Reads logfmt: words, and values in quotes that contain no quotes.
 */
#include <string.h>

#include "base/logfmt.h"

bool
logfmt_value(const char *line, const char *key, char *to, size_t size)
{
	const char	*word, *value, *end;
	size_t		 name, len;
	bool		 quoted;

	to[0] = '\0';
	for (word = line; *(word += strspn(word, " \n")) != '\0'; word = end) {
		name = strcspn(word, "= \n");
		end = value = word + name;
		if (*value != '=')
			continue;	/* a word without a key, such as
					   syslog's date */
		quoted = *++value == '"';
		value += quoted;
		len = strcspn(value, quoted ? "\"\n" : " \n");
		end = value + len;
		if (strlen(key) != name || memcmp(word, key, name) != 0)
			continue;
		len = len < size ? len : size - 1;
		memcpy(to, value, len);
		to[len] = '\0';
		return true;
	}
	return false;
}
