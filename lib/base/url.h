/*
 * The upstreams' addresses: parses OLLAMA_SERVER.
 */
#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ollama's two APIs and OpenAI's, with different requests and lines. */
enum url_api {
	URL_GENERATE,	/* POST /api/generate */
	URL_CHAT,	/* POST /api/chat; also for an address without a path */
	URL_OPENAI	/* POST /v1/chat/completions; the path ends in that or
			   in /v1 */
};

#define URL_WEIGHT_MAX	100
#define URL_WORD_MAX	64	/* bytes of the NAME in name=NAME */
#define URL_LEN_MAX	512	/* bytes of an address */
#define URL_NAME_MAX	640	/* bytes that url_name writes, NUL included */

struct url {
	const char	*text;	/* borrowed, without a NUL */
	size_t		 len;
	size_t		 base;	/* length up to "/api/…" or "/v1/…", the same
				   for all calls */
	enum url_api	 api;
	int		 weight;	/* from weight=N, else 1; 0: not a valid
					   number */
	const char	*name;		/* from name=NAME, borrowed; NULL:
					   none */
	size_t		 name_len;
	const char	*token;		/* from token=FILE, borrowed; NULL:
					   none */
	size_t		 token_len;
};

/*
 * Whether a text is a list of 1 to SERVERS_MAX different addresses, separated
 * by spaces: http or https, without user, query or fragment.  An address may be
 * followed, in any order, by weight=N (1 to URL_WEIGHT_MAX), name=NAME
 * (letters, digits, `.', `_' and `-') and token=FILE (a file with the bearer
 * for this server).
 */
bool url_valid(const char *list);

/* The first address in a list without a scheme such as http://, as in
   OLLAMA_HOST; NULL: none. */
const char *url_bare(const char *list);

/* Where a valid address begins that names a server for the second time, and its
   length; NULL: none. */
const char *url_twice(const char *list, size_t *len);

/*
 * Whether all upstreams can be reached without TLS and DNS: http, and a numeric
 * address or "localhost".
 */
bool url_simple(const char *list);

/*
 * Reads the next address of a list and advances *list.  Returns false at the
 * end.
 */
bool url_next(const char **list, struct url *);

/* Whether an address has the host and port of the list's first address, and the
   same scheme. */
bool url_first_host(const char *list, const struct url *);

/* The sum of the weights in a list. */
int url_weights(const char *list);

/*
 * A key for a server, computed from its base; never 0.  It is the same in all
 * processes, on all machines, and for all spellings of host and port (localhost
 * or LOCALHOST, [::1] or [0::1], :80 or none).
 */
uint64_t url_key(const char *base, size_t len);

/*
 * The name of a server for counting its slots across machines: name=, else its
 * address in one spelling, with the port and without "/api/…" or "/v1/…".  If
 * only this machine can reach the address, the name begins with `machine' (this
 * machine's host name; "": left out) and a slash.  127.0.0.1 and [::1] become
 * localhost.
 */
void url_name(const struct url *, const char *machine,
    char to[URL_NAME_MAX]);

#endif
