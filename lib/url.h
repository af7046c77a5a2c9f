/*
 * The addresses of the model's servers: OLLAMA_SERVER taken apart.
 */
#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two ways to ask Ollama; their bodies and lines differ. */
enum url_api {
	URL_GENERATE,	/* POST /api/generate */
	URL_CHAT	/* POST /api/chat; also for a bare base address */
};

#define URL_WEIGHT_MAX	100

struct url {
	const char	*text;	/* borrowed, and not ended by '\0' */
	size_t		 len;
	size_t		 base;	/* what stands before "/api/…", for all calls */
	enum url_api	 api;
	int		 weight;	/* the word weight=N behind it, or 1 */
};

/*
 * Whether a text is a list of addresses, spaces between them, one at least and
 * SERVERS_MAX at most, none twice: http or https, without user, query or
 * fragment; behind each may be weight=N, from 1 to URL_WEIGHT_MAX.
 */
bool url_valid(const char *list);

/* The first address of a list that begins with no http:// or its like, as
 * OLLAMA_HOST may be written; NULL: each has one. */
const char *url_bare(const char *list);

/*
 * Whether all of them can be reached without TLS and without asking for a
 * name: http, and a number or "localhost".
 */
bool url_simple(const char *list);

/* Takes the next address off a list; false: there is no more. */
bool url_next(const char **list, struct url *);

/* The weights in a list, added up. */
int url_weights(const char *list);

/*
 * A number for a server, made of its base; the same in every process and on
 * every machine, whatever way its host and its port are written (localhost or
 * LOCALHOST, [::1] or [0::1], :80 or none), and never 0.
 */
uint64_t url_key(const char *base, size_t len);

#endif
