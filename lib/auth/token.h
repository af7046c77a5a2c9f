/*
 * JSON Web Tokens (RFC 7519) in compact form, checked as RFC 8725 asks: the key
 * determines the algorithm, `exp' must be there, the other claims must fit.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/signature.h"
#include "base/buf.h"
#include "base/limit.h"
#include "settings/settings.h"

enum {
	TOKEN_FILES = 8,	/* keys that rotate are in two or three files */
	TOKEN_KEYS = 32		/* the set of a large provider has a dozen */
};

/* A key of JWT_KEY_FILE, with the algorithm that it fixes. */
struct token_key {
	struct signature_key	*key;	/* NULL: it cannot be used; see `why' */
	char			*file;	/* the path of its file */
	char			*id;	/* its kid, else its file's name without
					   directory and ending */
	char			*why;
	bool			 undeclared;	/* only its form says that it is
						   a secret */
};

struct token_keys {
	const struct signature	*module;
	struct token_key	 key[TOKEN_KEYS];
	size_t			 count;
	size_t			 usable;
};

/* What a good token says. */
struct token {
	int64_t	expires;	/* seconds since 1970; 0: no token */
	char	user[USER_MAX];	/* `sub'; empty if it has none */
	bool	tied;		/* it is for one ticket only */
};

/*
 * Reads the key files, whose names have spaces between them and which others
 * may not read.  A file holds public keys in PEM or JWK, or a secret: `hs256:'
 * in front of its name, or a name that ends in .secret, declares a secret; so
 * does a content that has no other form.  A content that has another form is
 * never taken for a secret.  Returns 0, or -1 with one line in `error' that
 * names the file and what it looks like.
 */
int token_keys_read(struct token_keys *, const char *files, char *error,
    size_t size);

void token_keys_free(struct token_keys *);

/*
 * Checks a token for a ticket at a time (seconds since 1970). Returns NULL and
 * fills in `out', or returns a word for the log that says what is wrong.
 */
const char *token_check(const struct token_keys *, const struct settings *,
    const char *text, size_t len, int64_t ticket, int64_t now,
    struct token *out);

/* Whether a token that was good has expired. */
bool token_expired(const struct token *, int64_t now);

/*
 * Makes a token for tests: for a ticket (0: any), for a user, until `expires'.
 * The key is a secret or a private key in PEM. Appends the token to `out'.
 * Returns 0, or -1 if the key cannot sign.
 */
int token_make(const struct signature *, const char *key, size_t key_len,
    const struct settings *, int64_t ticket, const char *user,
    int64_t expires, struct buf *out);

#endif
