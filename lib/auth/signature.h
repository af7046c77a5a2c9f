/*
 * Keys and signatures of tokens by libcrypto, as a module: only a service with
 * AUTH=required loads it.  lib/auth/signature.c is built as signature.so and
 * found beside `answer'.  The key alone decides the algorithm, never the token
 * (RFC 8725 3.1).
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A usable key; the module has more members behind these. */
struct signature_key {
	const char	*algorithm;	/* "HS256", "RS256" or "ES256" */
	const char	*kind;		/* "secret", "RSA" or "EC P-256" */
	size_t		 bits;
};

struct signature {
	/*
	 * Each makes a key, which the caller frees by `release': of a secret of
	 * at least 32 bytes (line ends behind it do not count), of one block
	 * PUBLIC KEY of PEM, of one private key in PEM (to sign for tests), of
	 * RSA's modulus and exponent, of a point on P-256.  RSA begins at 2,048
	 * bits.  NULL with one line in `error'.
	 */
	struct signature_key	*(*secret)(const char *text, size_t len,
				    char *error, size_t size);
	struct signature_key	*(*public_pem)(const char *text, size_t len,
				    char *error, size_t size);
	struct signature_key	*(*private_pem)(const char *text, size_t len,
				    char *error, size_t size);
	struct signature_key	*(*rsa)(const unsigned char *n, size_t n_len,
				    const unsigned char *e, size_t e_len,
				    char *error, size_t size);
	struct signature_key	*(*ec)(const unsigned char x[32],
				    const unsigned char y[32], char *error,
				    size_t size);
	void			 (*release)(struct signature_key *);

	/* Whether `mark' is the signature of the text under this key. */
	bool			 (*verify)(const struct signature_key *,
				    const char *text, size_t len,
				    const unsigned char *mark,
				    size_t mark_len);

	/* Signs a text, for tests.  Returns the length of the mark, or 0. */
	size_t			 (*sign)(const struct signature_key *,
				    const char *text, size_t len,
				    unsigned char *mark, size_t size);

	/*
	 * When the first certificate of a PEM file expires, in seconds since
	 * 1970; -1 with one line in `error'.
	 */
	int64_t			 (*certificate_end)(const char *text,
				    size_t len, char *error, size_t size);
};

/* The module's one symbol, for module_load("signature.so", …). */
const void *signature_module(void);

#endif
