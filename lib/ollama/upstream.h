/*
 * One answer from Ollama: which model, the request, the lines as they come,
 * four timers, one retry where that helps.  Knows nothing of viewers, nor of
 * other servers than the one it is given; what comes is told by callbacks,
 * clean and checked.
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
#include "ollama/thought.h"
#include "ollama/tidy.h"
#include "settings/settings.h"

enum upstream_phase {
	UPSTREAM_SERVER,	/* upstream_ask is due; see failure: NONE, or
				   why the last server is passed over */
	UPSTREAM_MODEL,		/* asks which models there are */
	UPSTREAM_ANSWER,	/* posted */
	UPSTREAM_PAUSE,		/* before the retry */
	UPSTREAM_ENDED		/* see failure; code NONE: a whole answer */
};

struct upstream {
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

	/* Its own. */
	struct url		 server;	/* that is asked */
	bool			 more;		/* there is another one */
	bool			 pass;		/* which may be better */
	char			*system;	/* the system prompt */
	char			*token;		/* OLLAMA_TOKEN_FILE's */
	struct buf		 base, url, prompt;
	struct http_call	 call, small;
	struct buf		 request, body, small_url, small_body;
	struct buf		 line, raw, text, plain, tidied;
	struct thought		 thought;
	struct tidy		 tidy;
	char			 word[PROMPT_WORD + 1];	/* the fence's */
	struct json		 json;
	enum frame_state	 state;
	bool			 asking;	/* /api/ps or, for `local',
						   /api/tags is under way */
	enum {
		MODEL_UNKNOWN, MODEL_ASKED, MODEL_HERE, MODEL_ELSEWHERE
	}			 local;		/* where the model runs */
	bool			 lines;		/* a line has come */
	bool			 over;		/* its last line has come */
	bool			 shown;		/* text has been shown */
	bool			 late;		/* thoughts ended in the text */
	bool			 retried;
	bool			 retry;		/* one more try may help */
	int64_t			 begun;		/* clock_us of the first POST */
	int64_t			 posted, last;	/* of this POST, of its last
						   bytes */
	int64_t			 first;		/* of the first text */
	int64_t			 due;		/* pause's end; next /api/ps;
						   since when a server is
						   wanted */
};

/*
 * Begins for a ticket's text; callbacks come from upstream_step.  on_text gets
 * a piece of the answer, a token as the model sent it, and returns false to
 * end it all (it has set `failure' then).  A fault ends it like any other.
 */
void upstream_begin(struct upstream *, const struct settings *,
    const struct http *, const char *ticket, size_t len, int64_t now);

/*
 * Asks this server; `more' says whether there is another one to turn to.  The
 * wait for it counts as queueing.
 */
void upstream_ask(struct upstream *, const struct url *, bool more,
    int64_t now);

/* When upstream_step is due though nothing comes. */
int64_t upstream_deadline(const struct upstream *);

/* Goes on after http->wait. */
void upstream_step(struct upstream *, int64_t now);

/*
 * Makes of a whole answer's text, as on_text got it, what is to be kept: what
 * could be told only at its end is taken out.  Returns 1 if something was, 0 if
 * not, and -1 as buf_add.
 */
int upstream_settle(struct upstream *, struct buf *text)
    __attribute__((warn_unused_result));

/* Ends it for this reason; the connection is closed. */
void upstream_cancel(struct upstream *, enum failure_code, const char *detail);

void upstream_free(struct upstream *);

/*
 * Reads the token of OLLAMA_TOKEN_FILE, the only word of the file; *token is
 * NULL if there is no such file to read.  The caller frees it.  Returns 0, or -1
 * with words for what is wrong in *why (errno EILSEQ: with what the file holds).
 */
int upstream_token(const struct settings *, char **token, const char **why);

#endif
