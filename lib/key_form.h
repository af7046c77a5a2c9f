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

/* The next PEM boundary ("-----BEGIN ") at or behind p; NULL: there is none. */
const char *key_form_begin(const char *p, const char *end);

#endif
