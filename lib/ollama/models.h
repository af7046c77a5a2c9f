/*
 * What the lists of models say: Ollama's /api/tags and /api/ps, and OpenAI's
 * /v1/models, which `api' tells apart.
 */
#ifndef MODELS_H
#define MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/url.h"
#include "frame/failure.h"

/*
 * Copies the name of the first model that can complete a text and that the
 * server runs itself, as far as the list tells; a model of Ollama's cloud has
 * to be named by the settings.  Returns FAILURE_NONE, FAILURE_MODEL_MISSING
 * (there is none) or FAILURE_UPSTREAM_INVALID (this is no list of the dialect).
 */
enum failure_code models_first(enum url_api, const char *body, size_t len,
    char *model, size_t size);

/* What a list says of a model; /v1/models mostly no more than its name. */
struct model {
	bool	completes;	/* it can complete a text, or that is not
				   told */
	bool	any;		/* a llama.cpp, which answers with the model
				   that it has, whatever the name */
	char	remote[128];	/* of /api/tags: on whose machine it runs;
				   empty: on the server's own */
	int64_t	context;	/* in tokens: what it was loaded with, but of
				   /api/tags the most that it can; 0: not
				   told */
	int64_t	context_max;	/* of /v1/models: the most; 0: not told */
};

/*
 * Finds a model in a list; of a llama.cpp any name is its model's.  Returns
 * false if it is not there.
 */
bool models_find(enum url_api, const char *body, size_t len, const char *model,
    struct model *);

/* Whether Ollama hands a model of this name on to its cloud, listed or not. */
bool models_is_cloud(const char *model);

/* Whether a response to /api/tags is a llama-server's, whose list has the
   members of OpenAI's, too. */
bool models_is_other(const char *body, size_t len);

#endif
