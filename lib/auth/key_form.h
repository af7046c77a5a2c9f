/*
 * What the content of a key file is by its form, so that a public key or a
 * certificate, in whatever disguise, is never taken for a secret: everybody
 * may have those, and whoever has the secret signs tokens.
 */
#ifndef KEY_FORM_H
#define KEY_FORM_H

#include <stdbool.h>
#include <stddef.h>

enum key_form {
	KEY_FORM_SECRET,	/* proven to be none of the others */
	KEY_FORM_PEM,		/* somewhere in it something BEGINs or ENDs */
	KEY_FORM_JSON,		/* an object or a list, perhaps a JWK */
	KEY_FORM_OTHER		/* DER, SSH, UTF-16, base64 of a key, … */
};

/*
 * The form of a text.  *name (may be NULL) becomes the words for it, as "DER
 * (a key or certificate in binary)"; "" for a secret.
 */
enum key_form key_form(const char *text, size_t len, const char **name);

/*
 * What a file may hold a key in, or NULL: it is a secret, and nothing else.  Of
 * a text that is KEY_FORM_SECRET and that nobody has declared to be one: a key
 * can be packed in more ways than can be unpacked here, but not into so little.
 */
const char *key_form_doubt(const char *text, size_t len);

/* The next PEM boundary ("-----BEGIN ") at or behind p; NULL: there is none. */
const char *key_form_begin(const char *p, const char *end);

#endif
