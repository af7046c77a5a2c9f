/*
 * Signatures of tokens by libcrypto, as a module: only a service with
 * AUTH=required loads it.  lib/signature.c is built as signature.so and found
 * beside `answer'.  The key alone decides the algorithm, never the token
 * (RFC 8725 3.1).
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

struct signature {
	/*
	 * The algorithm ("HS256", "RS256", "ES256") that a key file's content
	 * stands for: PEM of a public key (RSA from 2,048 bits on, P-256) or a
	 * secret of at least 32 bytes.  NULL with one line in `error'.
	 */
	const char	*(*algorithm)(const char *key, size_t len, char *error,
			    size_t size);

	/* Whether `mark' is the signature of the text under this key. */
	bool		(*verify)(const char *key, size_t key_len,
			    const char *text, size_t len,
			    const unsigned char *mark, size_t mark_len);

	/*
	 * Signs a text, with a secret or a private key in PEM, for tests.
	 * Returns the length of the mark, or 0.  *algorithm tells which.
	 */
	size_t		(*sign)(const char *key, size_t key_len,
			    const char *text, size_t len, unsigned char *mark,
			    size_t size, const char **algorithm);
};

/* The module's one symbol, for module_load("signature.so", …). */
const void *signature_module(void);

#endif
