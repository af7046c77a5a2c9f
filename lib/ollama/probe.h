/*
 * Whether the model's server is there and which model it would use: for the
 * administrator, before anybody asks.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/url.h"
#include "frame/failure.h"
#include "ollama/http.h"
#include "settings/settings.h"

struct probe {
	struct failure	failure;	/* code NONE: all is well */
	char		model[256];	/* that would answer */
	char		remote[128];	/* on whose machine that runs; empty:
					   on the server's own */
	char		reason[256];	/* more words; may be empty */
	char		advice[300];	/* what helps; may be empty */
	int64_t		context;	/* tokens that the model is loaded
					   with; 0: it is not */
	int64_t		context_max;	/* that it can; 0: not told */
};

/* Asks a server's /api/tags and /api/ps and waits; CONNECT_TIMEOUT holds. */
void probe_model(struct probe *, const struct settings *, const struct http *,
    const struct url *);

/*
 * Has a server load the model, and waits until it has, FIRST_TOKEN_TIMEOUT at
 * most.  It stays loaded for OLLAMA_KEEP_ALIVE.
 */
void probe_load(struct probe *, const struct settings *, const struct http *,
    const struct url *);

/* Appends what was found as a line of JSON.  Returns 0, or -1 as buf_add. */
int probe_write(const struct probe *, struct buf *)
    __attribute__((warn_unused_result));

/* Reads such a line.  Returns 0, or -1 if it is none. */
int probe_read(struct probe *, const char *line, size_t len)
    __attribute__((warn_unused_result));

#endif
