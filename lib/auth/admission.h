/*
 * Who gets in: checks the ticket's number, the page's origin, how many viewers
 * there are and, with AUTH=required, a token.  Each message is checked before
 * anything else is done for it.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <stdbool.h>

#include "auth/token.h"
#include "frame/failure.h"
#include "request/connection.h"
#include "request/request.h"
#include "settings/settings.h"

/*
 * The most cookies named JWT_COOKIE that are tried: a browser sends one for
 * each path and domain that has set it.
 */
#define COOKIES_MAX	16

/*
 * `retryAfter' for a viewer over MAX_VIEWERS, in seconds: a tab may have closed
 * by then.
 */
#define RETRY_AFTER_VIEWERS	10

/* The size of what admission_who writes. */
#define ADMISSION_WHO	(sizeof(((struct token *)0)->user) + 8)

struct admission {
	const struct settings	*settings;
	const struct connection	*connection;
	struct token_keys	 keys;		/* read when first needed */
	struct token		 token;		/* the last good one */
	int			 viewer;	/* our place among those of this
						   address; -1: none */
	bool			 quiet;		/* the log says already why a
						   token is bad */
};

/* Initializes, and takes a viewer's place if there is one. */
void admission_init(struct admission *, const struct settings *,
    const struct connection *);

/*
 * Whether every message will be refused: the path names no ticket, or this page
 * is not allowed to ask.
 */
bool admission_is_hopeless(const struct admission *);

/* Whether the viewer has a place, or needs none. */
bool admission_has_place(const struct admission *);

/*
 * What can be said before there is a request: FAILURE_NONE, or why each one
 * will be refused.
 */
struct failure admission_enter(struct admission *);

/*
 * Whether a request may be served: FAILURE_NONE, or why not.  A token in the
 * request decides for it.  Without one, these are tried, and one good token is
 * enough: the last good one, the Authorization header's, each cookie's.  A
 * viewer without a place tries to get one.
 */
struct failure admission_check(struct admission *, const struct request *);

/*
 * Writes who asks: "user:" and the user of the request's token, else "ip:" and
 * the address as address_key has it; "" at a shell.
 */
void admission_who(const struct admission *, const char *user,
    char who[ADMISSION_WHO]);

/*
 * Notes in a request what the last good token says: the user, and whether the
 * numbers of other tickets may be told, which a token for one ticket does not
 * allow.  Without tokens only somebody at a shell is told them.
 */
void admission_note(const struct admission *, struct request *);

void admission_free(struct admission *);

#endif
