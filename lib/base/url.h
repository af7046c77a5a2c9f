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
#define URL_WORD_MAX	64	/* bytes of a name=NAME */
#define URL_LEN_MAX	512	/* of an address */
#define URL_NAME_MAX	640	/* what url_name writes, with its end */

struct url {
	const char	*text;	/* borrowed, and not ended by '\0' */
	size_t		 len;
	size_t		 base;	/* what stands before "/api/…", for all calls */
	enum url_api	 api;
	int		 weight;	/* the word weight=N behind it, or 1;
					   0: no good number */
	const char	*name;		/* the word name=NAME behind it,
					   borrowed; NULL: none */
	size_t		 name_len;
};

/*
 * Whether a text is a list of addresses, spaces between them, one at least and
 * SERVERS_MAX at most, none twice: http or https, without user, query or
 * fragment; behind each may be, in any order, weight=N, from 1 to
 * URL_WEIGHT_MAX, and name=NAME, of letters, digits, `.', `_' and `-'.
 */
bool url_valid(const char *list);

/* The first address of a list that begins with no http:// or its like, as
 * OLLAMA_HOST may be written; NULL: each has one. */
const char *url_bare(const char *list);

/* Where a good address begins that names a server a second time, and its
 * length; NULL: none does. */
const char *url_twice(const char *list, size_t *len);

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

/*
 * What a server is called where several machines count its slots: its name=, or
 * else its address, without "/api/…" and in one spelling, with the port.  An
 * address that only this machine can reach has `machine', this machine's host
 * name, and a slash before it ("": neither); 127.0.0.1 and [::1] are localhost.
 */
void url_name(const struct url *, const char *machine,
    char to[URL_NAME_MAX]);

#endif
