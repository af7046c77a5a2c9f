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

struct probe {
	struct failure	failure;	/* code NONE: all is well */
	char		model[256];	/* that would answer */
	char		reason[256];	/* libcurl's words; may be empty */
};

/* Asks /api/tags and waits for the answer; CONNECT_TIMEOUT holds. */
void probe_model(struct probe *, const struct settings *, const struct http *);

#endif
