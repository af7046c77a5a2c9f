/*
 * Chooses a language from a tag or an Accept-Language header.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"

static const char *const language_tags[LANGUAGE__MAX] = {
	[LANGUAGE_PT] = "pt",
	[LANGUAGE_EN] = "en",
	[LANGUAGE_ES] = "es",
};

/* The weight of a range in thousandths; 1000 if the range has none. */
static int
language_weight(const char *range, size_t len)
{
	const char	*q;
	int		 w = 0, unit;
	size_t		 i;

	if ((q = memchr(range, ';', len)) == NULL)
		return 1000;
	for (i = (size_t)(q - range) + 1; i < len &&
	    (range[i] == ' ' || range[i] == '\t'); i++)
		;
	if (len - i < 3 || (range[i] != 'q' && range[i] != 'Q') ||
	    range[i + 1] != '=')
		return 1000;
	if (range[i + 2] == '1')
		return 1000;
	for (i += 4, unit = 100; i < len && unit > 0; i++, unit /= 10) {
		if (range[i] < '0' || range[i] > '9')
			break;
		w += (range[i] - '0') * unit;
	}
	return w;
}

enum language
language_of(const char *tags)
{
	enum language	best = LANGUAGE__MAX;
	int		best_weight = 0, w;
	size_t		len, l;

	for (; *tags != '\0'; tags += len + (tags[len] == ',')) {
		tags += strspn(tags, " \t");
		len = strcspn(tags, ",");
		if (len < 2 || (tags[2] != '\0' &&
		    strchr("-_;, \t", tags[2]) == NULL))
			continue;
		w = language_weight(tags, len);
		for (l = 0; l < LANGUAGE__MAX; l++) {
			if (w > best_weight &&
			    strncasecmp(tags, language_tags[l], 2) == 0) {
				best = (enum language)l;
				best_weight = w;
			}
		}
	}
	return best;
}

const char *
language_tag(enum language l)
{
	return l == LANGUAGE_PT ? "pt-BR" : language_tags[l];
}
