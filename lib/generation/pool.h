/*
 * The upstreams in OLLAMA_SERVER.  A generation uses one that has a free slot,
 * has not failed lately and, if possible, has the model loaded.  If it fails,
 * the generation turns to another.  With a single upstream, the pool makes no
 * calls and opens no file.
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
	const struct http	*http;		/* only while calls run */
	struct pool_call	*calls;		/* an array, one for each
						   server; NULL: none */
	int			 count;
	int			 chosen;	/* index of the server in use;
						   -1: none */
	int			 last;		/* the server that answered the
						   ticket last; -1: not
						   known */
	bool			 alone;		/* a filter: slots and health
						   are not used */
	struct health		*health;	/* NULL with a single server */
	struct slots_server	 slots[SERVERS_MAX];	/* the slots we may take
							   on each */
	struct pool_server {
		struct url	url;
		bool		tried;		/* it has failed in this
						   generation */
		int64_t		again;		/* may be asked from then on:
						   clock_us; 0: at any time */
	}			 server[SERVERS_MAX];
};

/*
 * Initializes a pool.  `alone' is for a filter, which takes no slot and
 * remembers no failure.
 */
void pool_open(struct pool *, const struct settings *, bool alone);

/*
 * Chooses a server and takes a slot; returns as slot_try.  Servers that have
 * failed lately are considered only if all have, and then only those that this
 * generation has not tried.  With `alone' it takes the first server.
 */
int pool_try(struct pool *, struct slot *, struct node *, int max);

/* Whether there is another server to turn to. */
bool pool_more(const struct pool *);

/*
 * The chosen server failed before any text was shown: notes the failure, which
 * is also logged, and releases the slot.
 */
void pool_pass_over(struct pool *, struct node *, enum failure_code,
    const char *reason);

/*
 * Ends the use of the chosen server: it failed, it answered, or neither is
 * known.
 */
enum pool_end { POOL_FAILED, POOL_GOOD, POOL_UNKNOWN };
void pool_end(struct pool *, enum pool_end);

/*
 * Starts a call to every server that has not failed lately, asking which models
 * it has loaded.  Returns false if there is nothing to ask: a single server, a
 * filter, or an error that upstream_ask will report.
 */
bool pool_ask(struct pool *, const struct http *);

/*
 * Whether a call still runs; each ends after LOADED_TIMEOUT ms at the latest.
 */
bool pool_asking(const struct pool *);

/*
 * Notes the server with this name (of pool_name) as the one that answered the
 * ticket last: it may still have the ticket in its cache.
 */
void pool_note_last(struct pool *, const char *name);

/* Writes the name of the chosen server, by which it is found again. */
void pool_name(const struct pool *, char name[URL_NAME_MAX]);

/*
 * Ends the calls.  Notes as failed each server that did not answer.  Moves to
 * the server that answered the ticket last, if that has the model loaded and a
 * free slot; else, if the chosen server does not have the model loaded, to one
 * that has and has a free slot.  Returns false if the chosen server did not
 * answer and was passed over for others.
 */
bool pool_prefer(struct pool *, struct node *);

/* Cancels calls that still run and frees the pool. */
void pool_close(struct pool *);

#endif
