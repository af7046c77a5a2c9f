/*
 * The languages in which messages for people are written.
 */
#ifndef LANGUAGE_H
#define LANGUAGE_H

#include <stddef.h>

enum language {
	LANGUAGE_PT,		/* pt-BR, the original's and the default */
	LANGUAGE_EN,
	LANGUAGE_ES,
	LANGUAGE__MAX
};

/*
 * The language of a tag ("pt-BR", "en", "en-US") or of a whole
 * Accept-Language header (RFC 9110 12.5.4; the highest q of ours wins, the
 * first one among equals).  Returns LANGUAGE__MAX if none of ours is named.
 */
enum language language_of(const char *tags);

#endif
