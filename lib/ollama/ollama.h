/*
 * Ollama's API: what is sent to it, what its lines and refusals mean.  Only
 * texts in and out, no network.
 */
#ifndef OLLAMA_H
#define OLLAMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/url.h"
#include "frame/failure.h"
#include "frame/session.h"
#include "json/json.h"
#include "settings/settings.h"

/* What a line of the answer says. */
struct ollama_line {
	bool		thinking;	/* holds some of the model's thoughts */
	bool		done;
	struct failure	failure;	/* an error line, or none of Ollama's */
	bool		retry;		/* once, if no text was shown */
	char		reason[200];	/* of a failure, for the log */
};

/*
 * Writes the body of a question: model, system prompt (may be empty) and the
 * ticket, with the options of the settings and "truncate":false, so that what
 * does not fit is refused and not cut silently.  Where the options have no
 * num_predict there is one of ours: a small model may go on for
 * ever.  Returns 0, or -1 as buf_add.
 */
int ollama_request(struct buf *, const struct settings *, enum url_api,
    const char *model, const char *system, const char *ticket, size_t len)
    __attribute__((warn_unused_result));

/* As ollama_request, for a call that only loads the model. */
int ollama_load(struct buf *, const struct settings *, const char *model)
    __attribute__((warn_unused_result));

/*
 * Reads one line.  Its text, as it stands, is appended to `text'; the
 * statistics of a done line go to `cost'.  `json' is working memory.
 */
void ollama_read(struct ollama_line *, enum url_api, const char *line,
    size_t len, struct json *, struct buf *text, struct cost *);

/*
 * What an answer with this status and body means (any status but 200), and
 * whether one more try may help.  `model' is for the message.
 */
struct failure ollama_refusal(long status, const char *body, size_t len,
    const char *model, bool *retry);

/*
 * From /api/tags: the first model that can complete and runs there, into
 * `model': one that Ollama has run elsewhere (its cloud) is for whoever names
 * it.  Returns FAILURE_NONE, FAILURE_MODEL_MISSING (there is none) or
 * FAILURE_UPSTREAM_INVALID (no list of Ollama's at all).
 */
enum failure_code ollama_first_model(const char *body, size_t len, char *model,
    size_t size);

/* What a list says of a model. */
struct ollama_model {
	bool	completes;
	char	remote[128];	/* of /api/tags: on whose machine it runs;
				   empty: on the server's own */
	int64_t	context;	/* in tokens: of /api/ps what it was loaded
				   with, of /api/tags the most that it can;
				   0: not told */
};

/* From /api/ps or /api/tags: whether a model is in the list, and more. */
bool ollama_model(const char *body, size_t len, const char *model,
    struct ollama_model *);

/* Whether a name is one that Ollama hands on to its cloud, listed or not. */
bool ollama_is_cloud(const char *model);

/* From /api/tags: whether it is a llama-server's. */
bool ollama_is_other(const char *body, size_t len);

/* The same without more. */
bool ollama_lists(const char *body, size_t len, const char *model);

#endif
