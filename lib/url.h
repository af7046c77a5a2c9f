/*
 * The addresses of the model's servers: OLLAMA_SERVER taken apart.
 */
#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stddef.h>

/* The two ways to ask Ollama; their bodies and lines differ. */
enum url_api {
	URL_GENERATE,	/* POST /api/generate */
	URL_CHAT	/* POST /api/chat; also for a bare base address */
};

struct url {
	const char	*text;	/* borrowed, and not ended by '\0' */
	size_t		 len;
	size_t		 base;	/* what stands before "/api/…", for all calls */
	enum url_api	 api;
};

/*
 * Whether a text is a list of addresses, spaces between them, one at least:
 * http or https, without user, query or fragment.
 */
bool url_valid(const char *list);

/*
 * Whether all of them can be reached without TLS and without asking for a
 * name: http, and a number or "localhost".
 */
bool url_simple(const char *list);

/* Takes the next address off a list; false: there is no more. */
bool url_next(const char **list, struct url *);

#endif
