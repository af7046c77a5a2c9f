/*
 * The address of the model's server: OLLAMA_SERVER taken apart.
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

/* Whether a text is an http or https address without user, query, fragment. */
bool url_valid(const char *);

/*
 * The API that an address asks for, and the length of what stands before
 * "/api/…": the base that other calls share.
 */
enum url_api url_split(const char *, size_t *base_len);

#endif
