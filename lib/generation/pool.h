/*
 * The model's servers, of which a generation asks one: one that has a free
 * slot, has not failed lately and, if it can be had, has the model loaded.
 * When it fails, another one.  Where there is one server only, nothing of this
 * costs a call.
 */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>

#include "base/limit.h"
#include "base/url.h"
#include "frame/failure.h"
#include "generation/health.h"
#include "store/slot.h"
#include "ollama/http.h"
#include "settings/settings.h"
#include "store/node.h"
#include "store/slots.h"

struct pool {
	const struct settings	*settings;	/* borrowed */
	const struct http	*http;		/* while it asks */
	struct pool_call	*calls;		/* one a server; NULL: none */
	char			*token;		/* of the calls */
	int			 count;
	int			 chosen;	/* the server to ask; -1 */
	bool			 alone;		/* nobody shares the servers */
	struct health		*health;	/* NULL: one server only */
	struct slots_server	 slots[SERVERS_MAX];	/* who may be asked */
	struct pool_server {
		struct url	url;
		bool		tried;		/* and it failed */
		int64_t		again;		/* not before; 0: at any time */
	}			 server[SERVERS_MAX];
};

/*
 * Begins; `alone' is for a filter, which takes no slot and remembers nothing.
 */
void pool_open(struct pool *, const struct settings *, bool alone);

/*
 * Chooses a server, as slot_try: among those that have not failed lately; if
 * there are none, among those that were not tried yet.  `alone': the first.
 */
int pool_try(struct pool *, struct slot *, struct node *, int max);

/* Whether there is another one to turn to. */
bool pool_more(const struct pool *);

/*
 * The chosen one has failed, before any text was shown: it is left alone for a
 * while.  The slot is given back.
 */
void pool_pass_over(struct pool *, struct node *, enum failure_code,
    const char *reason);

/* The end: it has failed, has answered, or neither can be told of it. */
enum pool_end { POOL_FAILED, POOL_GOOD, POOL_UNKNOWN };
void pool_end(struct pool *, enum pool_end);

/*
 * Asks those that have not failed lately which models they have loaded, all at
 * the same time.  Returns false if there is no need to.
 */
bool pool_ask(struct pool *, const struct http *);

/* Whether one has still to answer; they have LOADED_TIMEOUT. */
bool pool_asking(const struct pool *);

/*
 * They have answered, or not: one that has not is left alone for a while.
 * Moves to one that has the model loaded, if the chosen one has not and there
 * is a free slot.  Returns false if the chosen one is silent and was passed
 * over.
 */
bool pool_prefer(struct pool *, struct node *);

/* Also ends the asking. */
void pool_close(struct pool *);

#endif
