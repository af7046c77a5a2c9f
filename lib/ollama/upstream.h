/*
 * One answer from a model server, in its dialect (ollama.h, openai.h): the
 * choice of the model, the request, the lines as
 * they come, four timers, one retry where that helps.  It knows nothing of
 * viewers, nor of servers besides the one that it is given.  The text comes by
 * callbacks, cleaned and checked.
 */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/url.h"
#include "base/utf8.h"
#include "frame/failure.h"
#include "frame/frame.h"
#include "frame/session.h"
#include "json/json.h"
#include "ollama/http.h"
#include "ollama/openai.h"
#include "ollama/prompt.h"
#include "ollama/thought.h"
#include "ollama/tidy.h"
#include "settings/settings.h"

enum upstream_phase {
	UPSTREAM_SERVER,	/* waits for upstream_ask; `failure' is NONE, or
				   why the last server is skipped */
	UPSTREAM_MODEL,		/* has asked which models there are */
	UPSTREAM_ANSWER,	/* has posted the question */
	UPSTREAM_PAUSE,		/* waits before the retry */
	UPSTREAM_ENDED		/* see `failure'; NONE: a whole answer */
};

struct upstream {
	/* Set by the caller before upstream_ask; upstream_free frees it. */
	struct prompt		 prompt;
	const char		*memory;	/* RUN_DIR, where it is noted
						   what a server refuses; NULL:
						   nowhere */

	/* Set by upstream_begin. */
	const struct settings	*settings;
	const struct http	*http;
	void			*context;	/* of the callbacks */
	bool			(*on_text)(void *, const char *, size_t);
	void			(*on_state)(void *, enum frame_state);

	enum upstream_phase	 phase;
	struct failure		 failure;	/* why it ended */
	char			 reason[256];	/* for the log; may be empty */
	struct cost		 cost;		/* of a whole answer */
	size_t			 turns_left_out;	/* the prompt was too
							   long with them */

	/* Private. */
	struct url		 server;	/* the server in use */
	bool			 more;		/* there is another server */
	bool			 pass;		/* it may do better */
	char			*token;		/* the server's bearer, or
						   NULL */
	unsigned		 refuses;	/* what the server refuses of a
						   request of OpenAI's: bits */
	unsigned		 recalled;	/* and what was known before */
	struct buf		 base, url;
	struct http_call	 call, small;
	struct buf		 request, body, small_url, small_body;
	struct buf		 line, raw, text, plain, tidied;
	struct thought		 thought;
	struct tidy		 tidy;
	struct openai_stream	 events;
	struct json		 json;
	enum frame_state	 state;
	bool			 asking;	/* a call of /api/ps or, for
						   `local', of /api/tags runs */
	enum {
		MODEL_UNKNOWN, MODEL_ASKED, MODEL_HERE, MODEL_ELSEWHERE
	}			 local;		/* where the model runs */
	bool			 lines;		/* a line has come; of OpenAI's
						   events, one of the answer */
	bool			 waits;		/* the server loads its model:
						   `posted' is of the first
						   POST */
	bool			 over;		/* the last line has come */
	bool			 shown;		/* text has been shown */
	bool			 late;		/* thoughts ended within the
						   text */
	bool			 retried;
	bool			 retry;		/* one more try may help */
	int			 halved;	/* how often the prompt was */
	int64_t			 begun;		/* clock_us of the first POST */
	int64_t			 posted, last;	/* times of this POST and of its
						   last bytes */
	int64_t			 first;		/* time of the first text */
	int64_t			 due;		/* end of the pause; time of the
						   next look at a silent model;
						   since when a server is
						   wanted */
};

/*
 * Begins an answer to the prompt; the callbacks are called by upstream_step.
 * on_text gets a piece of the answer, usually a token, and returns false to end
 * the answer (after setting `failure').  An error here ends the answer like any
 * other.
 */
void upstream_begin(struct upstream *, const struct settings *,
    const struct http *, int64_t now);

/*
 * Uses this server; `more' says whether there is another one to turn to.  The
 * time since a server was wanted counts as queueing.
 */
void upstream_ask(struct upstream *, const struct url *, bool more,
    int64_t now);

/* When upstream_step has to be called even if nothing comes. */
int64_t upstream_deadline(const struct upstream *);

/* Continues; to be called after each http->wait. */
void upstream_step(struct upstream *, int64_t now);

/*
 * Removes from a whole answer's text, as on_text got it, the thoughts and marks
 * that could be recognized only at its end.  Returns 1 if it changed something,
 * 0 if not, and -1 as buf_add.
 */
int upstream_settle(struct upstream *, struct buf *text)
    __attribute__((warn_unused_result));

/* Ends the answer for this reason and closes the connection. */
void upstream_cancel(struct upstream *, enum failure_code, const char *detail);

void upstream_free(struct upstream *);

/*
 * Where the bearer for a server is set: copies the file's path and returns
 * "token=", of its address, or "OLLAMA_TOKEN_FILE", which is for the host of
 * the first address only.  Returns NULL if there is none.
 */
const char *upstream_token_file(const struct settings *, const struct url *,
    char path[SETTING_MAX + 1]);

/*
 * Reads the bearer for a server, the only word of its file; *token is NULL if
 * there is none.  The caller frees it.  Returns 0, or -1 with words for what is
 * wrong in *why (errno EILSEQ: with what the file holds).
 */
int upstream_token(const struct settings *, const struct url *, char **token,
    const char **why);

#endif
