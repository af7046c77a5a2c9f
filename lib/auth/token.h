/*
 * Tokens: JSON Web Tokens (RFC 7519) in compact form, checked as RFC 8725
 * asks: the key fixes the algorithm, `exp' must be there, the rest of the
 * claims must fit.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/signature.h"
#include "base/buf.h"
#include "settings/settings.h"

enum {
	TOKEN_FILES = 8,	/* a rotation has two or three */
	TOKEN_KEYS = 32		/* the set of a large provider has a dozen */
};

/* A key of JWT_KEY_FILE, with the algorithm that it fixes. */
struct token_key {
	struct signature_key	*key;	/* NULL: one of a set that is not for
					   us; `why' tells */
	char			*file;	/* where it stands */
	char			*id;	/* its kid, else its file's name without
					   directory and ending */
	char			*why;
	bool			 undeclared;	/* nothing but its form says
						   that it is a secret */
};

struct token_keys {
	const struct signature	*module;
	struct token_key	 key[TOKEN_KEYS];
	size_t			 count;
	size_t			 usable;
};

/* What a good token says. */
struct token {
	int64_t	expires;	/* seconds since 1970; 0: there is no token */
	char	user[128];	/* `sub'; empty if it has none */
};

/*
 * Reads the key files, apart by spaces, which others may not read: PEM and JWK
 * with public keys, and secrets, which `hs256:' in front or a name that ends in
 * .secret declares, or whose form is no other.  Nothing declares what has
 * another form to be a secret.  Returns 0, or -1 with one line in `error' that
 * names the file and what it looks like.
 */
int token_keys_read(struct token_keys *, const char *files, char *error,
    size_t size);

void token_keys_free(struct token_keys *);

/*
 * Checks a token for a ticket at a time (seconds since 1970).  Returns NULL
 * and fills in `out', or a word for the log that tells what is wrong.
 */
const char *token_check(const struct token_keys *, const struct settings *,
    const char *text, size_t len, int64_t ticket, int64_t now,
    struct token *out);

/* Whether a token that was good has run out. */
bool token_expired(const struct token *, int64_t now);

/*
 * Makes a token for tests: for a ticket (0: any), a user, until `expires'; the
 * key is a secret or a private key in PEM.  Appends it to `out'; returns 0, or
 * -1 if the key cannot sign.
 */
int token_make(const struct signature *, const char *key, size_t key_len,
    const struct settings *, int64_t ticket, const char *user,
    int64_t expires, struct buf *out);

#endif
