/*
 * What the error texts of model servers mean.
 */
#include <stdio.h>
#include <string.h>

#include "ollama/fault.h"

bool
fault_says(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

/* Whether a text contains one of several parts. */
static bool
fault_says_one(const char *text, const char *const *parts, size_t count)
{
	size_t	i;

	for (i = 0; i < count; i++) {
		if (fault_says(text, parts[i]))
			return true;
	}
	return false;
}
#define SAYS_ONE(text, parts) \
	fault_says_one((text), (parts), sizeof(parts) / sizeof((parts)[0]))

/*
 * Whether an error says that the prompt does not fit.  Each version, engine and
 * cloud words that differently: in all of them something is too long for
 * something else.  Go's "context deadline exceeded" is about time.
 */
static bool
fault_too_long(const char *error)
{
	static const char *const	where[] = {
		"context length", "context size", "context window",
		"context_length", "context_size", "context_window",
	}, *const			what[] = {
		"exceed", "longer than", "larger than", "greater than",
		"too long", "too large", "too small", "maximum context length",
	}, *const			alone[] = {
		"prompt too long", "prompt is too long", "input too long",
		"input is too long", "prompt too large", "prompt is too large",
		"too many tokens", "too many input tokens",
		"context limit exceeded", "exceeds the context",
		"exceeds context", "larger than the context",
		"longer than the context",
	};

	return (SAYS_ONE(error, where) && SAYS_ONE(error, what)) ||
	    SAYS_ONE(error, alone);
}

bool
fault_memory(const char *error)
{
	static const char *const	words[] = {
		"system memory", "gpu memory", "out of memory",
		"out-of-memory", "enough memory", "insufficient memory",
		"allocate memory", "unable to allocate", "failed to allocate",
		"unable to load full model", "memory layout cannot",
		"insufficient vram", "bad_alloc", "outofdevicememory",
		"outofhostmemory",
		/* The kernel kills a runner like this when memory runs out. */
		"signal: killed",
	};

	return SAYS_ONE(error, words) || (fault_says(error, "model requires") &&
	    fault_says(error, "available"));
}

enum failure_code
fault_meaning(const char *error, bool *retry)
{
	static const char *const	restarts[] = {
		/* After these the next request starts the runner again. */
		"process has terminated", "process no longer running",
		"runner has unexpectedly stopped", "unexpected server status",
		"health resp", "error starting llama-server",
		"reported out-of-memory", "timed out waiting",
		"runner failed", "encountered while running the model",
		"error reading llama-server", "server overloaded",
	}, *const			rejected[] = {
		"must be of type", "invalid format", "incompatible with",
		"model requires", "does not support",
	};

	*retry = false;
	if (fault_too_long(error))
		return FAILURE_PROMPT_TOO_LONG;
	if (!fault_memory(error) && SAYS_ONE(error, rejected))
		return FAILURE_UPSTREAM_REJECTED;
	*retry = SAYS_ONE(error, restarts);
	return FAILURE_UPSTREAM_ERROR;
}

struct failure
fault_refusal(long status, const char *error, const char *model, bool *retry)
{
	enum failure_code	code;
	char			 number[24];
	bool			 memory;

	memory = fault_memory(error);
	code = fault_meaning(error, retry);
	(void)snprintf(number, sizeof(number), "%ld", status);
	if (status == 429 || status == 503) {
		code = FAILURE_UPSTREAM_BUSY;
		*retry = true;
	} else if ((status == 404 && fault_says(error, "not found")) ||
	    fault_says(error, "model is required")) {
		code = FAILURE_MODEL_MISSING;
	} else if (status >= 500) {
		/*
		 * An empty 500 is a panic of Ollama's; an empty 502 is a
		 * proxy's.
		 */
		*retry = *retry || *error == '\0';
	} else if (status >= 300) {
		code = code == FAILURE_PROMPT_TOO_LONG ? code :
		    FAILURE_UPSTREAM_REJECTED;
		*retry = false;
	} else {
		code = FAILURE_UPSTREAM_INVALID;
		*retry = false;
	}
	return failure_make(code, code == FAILURE_MODEL_MISSING ? model :
	    code == FAILURE_UPSTREAM_ERROR && memory ? FAILURE_MEMORY :
	    number);
}
