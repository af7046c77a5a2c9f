/*
 * Whether the model's server is there and which model it would use: for the
 * administrator, before anybody asks.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>

#include "failure.h"
#include "http.h"
#include "settings.h"
#include "url.h"

struct probe {
	struct failure	failure;	/* code NONE: all is well */
	char		model[256];	/* that would answer */
	char		reason[256];	/* libcurl's words; may be empty */
};

/* Asks a server's /api/tags and waits for the answer; CONNECT_TIMEOUT holds. */
void probe_model(struct probe *, const struct settings *, const struct http *,
    const struct url *);

/*
 * Has a server load the model, and waits until it has, FIRST_TOKEN_TIMEOUT at
 * most.  It stays loaded for OLLAMA_KEEP_ALIVE.
 */
void probe_load(struct probe *, const struct settings *, const struct http *,
    const struct url *);

#endif
