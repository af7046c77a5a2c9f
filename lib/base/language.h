/*
 * The languages of messages for people.
 */
#ifndef LANGUAGE_H
#define LANGUAGE_H

#include <stddef.h>

enum language {
	LANGUAGE_PT,		/* pt-BR, the default */
	LANGUAGE_EN,
	LANGUAGE_ES,
	LANGUAGE__MAX
};

/*
 * The language of a tag ("pt-BR", "en", "en-US") or of an Accept-Language
 * header (RFC 9110 12.5.4): of the languages we have, the one with the highest
 * q, the first among equals.  LANGUAGE__MAX if we have none of them.
 */
enum language language_of(const char *tags);

/* The tag of a language, as in the setting LANGUAGE. */
const char *language_tag(enum language);

#endif
