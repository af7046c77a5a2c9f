/*
 * Who gets in: the ticket's number, the page's origin and, with
 * AUTH=required, a token; and how many viewers.  Asked for each message, before
 * any work.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <stdbool.h>

#include "auth/token.h"
#include "frame/failure.h"
#include "request/connection.h"
#include "request/request.h"
#include "settings/settings.h"

/* The size of what admission_who tells. */
#define ADMISSION_WHO	(sizeof(((struct token *)0)->user) + 8)

struct admission {
	const struct settings	*settings;
	const struct connection	*connection;
	struct token_keys	 keys;		/* read when first needed */
	struct token		 token;		/* the last good one */
	int			 viewer;	/* our place among the viewers
						   of this address; -1: none */
	bool			 quiet;		/* why a token is no good is
						   in the log already */
};

/* Begins, and takes a viewer's place if there is one. */
void admission_init(struct admission *, const struct settings *,
    const struct connection *);

/* Whether no message can help: the path names no ticket, or this page is not
 * allowed to ask. */
bool admission_is_hopeless(const struct admission *);

/* Whether it has that place, or needs none. */
bool admission_has_place(const struct admission *);

/*
 * Whether this request may be served: FAILURE_NONE or why not.  A token in the
 * request decides for it.  Without one each other is tried, and one good one is
 * enough: the one that was good before, the Authorization header's, each
 * cookie's.  A viewer without a place tries once more.
 */
struct failure admission_check(struct admission *, const struct request *);

/*
 * Who asks: "user:" and the token's user, else "ip:" and the address as
 * address_key has it; "" at a shell.
 */
void admission_who(const struct admission *, char who[ADMISSION_WHO]);

/* The user of the token, "" if there is none. */
const char *admission_user(const struct admission *);

void admission_free(struct admission *);

#endif
