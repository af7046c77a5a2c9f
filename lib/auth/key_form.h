/*
 * The form of a key file's content.  A public key or a certificate, however
 * disguised, must never be taken for a secret: everybody may have these, and
 * whoever has the secret can sign tokens.
 */
#ifndef KEY_FORM_H
#define KEY_FORM_H

#include <stdbool.h>
#include <stddef.h>

enum key_form {
	KEY_FORM_SECRET,	/* it has none of the other forms */
	KEY_FORM_PEM,		/* PEM: a BEGIN or an END somewhere */
	KEY_FORM_JSON,		/* a JSON object or list, perhaps a JWK */
	KEY_FORM_OTHER		/* DER, SSH, UTF-16, base64 of a key, … */
};

/*
 * The form of a text.  *name (may be NULL) becomes words for it, such as "DER
 * (a key or certificate in binary)"; "" for a secret.
 */
enum key_form key_form(const char *text, size_t len, const char **name);

/*
 * For a text that is KEY_FORM_SECRET and that nobody has declared a secret: the
 * words for a form in which it may contain a key, or NULL: it is a secret and
 * nothing else.  A key can be packed in more ways than this room can unpack,
 * but not into so few bytes.
 */
const char *key_form_doubt(const char *text, size_t len);

/* The next PEM boundary ("-----BEGIN ") at or behind p; NULL: there is none. */
const char *key_form_begin(const char *p, const char *end);

#endif
