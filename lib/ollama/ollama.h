/*
 * Ollama's API: the requests that are sent to it and what its lines and
 * refusals mean.  Nothing here uses the network.
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
#include "json/jsonw.h"
#include "ollama/prompt.h"
#include "settings/settings.h"

/*
 * The most tokens of an answer, and with the model's thoughts, unless
 * OLLAMA_OPTIONS sets a limit: three times what our system prompt asks for.
 */
#define PREDICT_MAX		1024
#define PREDICT_MAX_THINKING	4096

/* What one line of an answer says, in either dialect. */
struct ollama_line {
	bool		thinking;	/* holds some of the model's thoughts */
	bool		done;		/* it is the last line */
	struct failure	failure;	/* an error, or not Ollama's */
	bool		retry;		/* retry once if no text was shown */
	char		reason[200];	/* of a failure, for the log */
};

/*
 * Writes the body of a question: model, system prompt (may be empty), the
 * messages (only one if the API is URL_GENERATE), the options of the settings,
 * and "truncate":false, so that Ollama refuses a prompt that does not fit and
 * does not cut it silently.  If the options have no num_predict, one of ours is
 * added, since a small model may never end.  Returns 0, or -1 as buf_add.
 */
int ollama_request(struct buf *, const struct settings *, enum url_api,
    const char *model, const struct prompt *)
    __attribute__((warn_unused_result));

/*
 * The limit of an answer unless the options set one.  A model's thoughts count
 * too, and with OLLAMA_THINK=server the model may think.
 */
int ollama_limit(const struct settings *);

/*
 * Writes the body of a call that only loads the model; returns as
 * ollama_request.
 */
int ollama_load(struct buf *, const struct settings *, const char *model)
    __attribute__((warn_unused_result));

/*
 * Reads one line of an answer.  Appends its text, unchanged, to `text'; the
 * statistics of the last line go to `cost'. `json' is working memory.
 */
void ollama_read(struct ollama_line *, enum url_api, const char *line,
    size_t len, struct json *, struct buf *text, struct cost *);

/*
 * What a response with this status (any but 200) and body means; *retry says
 * whether one more try may help.  `model' is for the message.
 */
struct failure ollama_refusal(long status, const char *body, size_t len,
    const char *model, bool *retry);

/* Writes a message of a request, in either dialect. */
void ollama_message(struct jsonw *, const char *role, const char *text,
    size_t len);

/*
 * Appends the text of a member, in either dialect; one that is absent or null,
 * as gateways write it, is no text to append.  Returns false if it is of
 * another type.
 */
bool ollama_text(const struct json *, int object, const char *name,
    struct buf *);

#endif
