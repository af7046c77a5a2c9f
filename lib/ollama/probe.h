/*
 * Whether a model server is there and which model it would use: for the
 * administrator, before anybody asks a question.
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
	struct failure	failure;	/* NONE: the server can answer */
	char		model[256];	/* the model that would answer */
	char		remote[128];	/* the machine that runs it; empty: the
					   server itself */
	char		reason[256];	/* details; may be empty */
	char		advice[300];	/* what to do; may be empty */
	char		note[300];	/* what a good server does not tell;
					   may be empty */
	int64_t		context;	/* tokens, as loaded; 0: it is not
					   loaded */
	int64_t		context_max;	/* tokens at most; 0: unknown */
};

/*
 * Asks a server's /api/tags, /api/version and /api/ps, or its /v1/models, and
 * waits for the responses; CONNECT_TIMEOUT applies.
 */
void probe_model(struct probe *, const struct settings *, const struct http *,
    const struct url *);

/*
 * Makes a server load the model, and waits until it is loaded,
 * FIRST_TOKEN_TIMEOUT at most.  It stays loaded for OLLAMA_KEEP_ALIVE.
 * OpenAI's dialect has no such call: then it is the same as probe_model.
 */
void probe_load(struct probe *, const struct settings *, const struct http *,
    const struct url *);

/*
 * Appends what was found as one line of JSON, for probe_read in another
 * program.  Returns 0, or -1 as buf_add.
 */
int probe_write(const struct probe *, struct buf *)
    __attribute__((warn_unused_result));

/* Reads such a line.  Returns 0, or -1 if it is none. */
int probe_read(struct probe *, const char *line, size_t len)
    __attribute__((warn_unused_result));

#endif
