/*
 * OpenAI's API (/v1/chat/completions), as llama.cpp's llama-server, vLLM, LM
 * Studio, LiteLLM and Ollama itself speak it: the requests that are sent, and
 * what the events and refusals mean.  Nothing here uses the network.
 */
#ifndef OPENAI_H
#define OPENAI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "frame/failure.h"
#include "frame/session.h"
#include "json/json.h"
#include "ollama/ollama.h"
#include "ollama/prompt.h"
#include "settings/settings.h"

/* What a server refuses, so that the requests do without it: bits. */
enum {
	OPENAI_COMPLETION_TOKENS = 1,	/* wants max_completion_tokens in
					   place of max_tokens */
	OPENAI_NO_OPTIONS = 2,		/* no stream_options: it does not tell
					   the cost */
	OPENAI_NO_SYSTEM = 4,		/* no system role: that text comes in
					   front of the first user's */
	OPENAI_REFUSES_ALL = 7,		/* what is remembered */
	OPENAI_NO_LIMIT = 8		/* no limit of the answer: it does not
					   fit beside this prompt */
};

/* What the lines of one answer have said so far. */
struct openai_stream {
	struct buf	held;		/* of an event whose JSON has not
					   ended; the caller sets its cap */
	int		lines;		/* that are held */
	bool		finished;	/* a finish_reason has come */
	bool		promised;	/* a finish_reason was null: one is to
					   come */
	bool		spoke;		/* text has come */
};

/* Begins a new answer; keeps the memory. */
void openai_begin(struct openai_stream *, struct cost *);

/*
 * Writes the body of a question: model, messages, of OLLAMA_OPTIONS what OpenAI
 * has, and a limit of the answer as ollama_request; without what the server
 * `refuses' (bits).  Returns 0, or -1 as buf_add.
 */
int openai_request(struct buf *, const struct settings *, unsigned refuses,
    const char *model, const struct prompt *)
    __attribute__((warn_unused_result));

/*
 * Appends the names of those members of OLLAMA_OPTIONS that are not sent,
 * separated by ", ".  Returns 0, or -1 as buf_add.
 */
int openai_left_out(const struct settings *, struct buf *)
    __attribute__((warn_unused_result));

/*
 * Reads one line of the events, which may be empty, or of an answer that is not
 * streamed.  Appends its text, unchanged, to `text'; how the answer ended and
 * its tokens go to `cost'.  `json' is working memory.
 */
void openai_read(struct ollama_line *, struct openai_stream *,
    const char *line, size_t len, struct json *, struct buf *text,
    struct cost *);

struct openai_refusal {
	struct failure	failure;
	bool		retry;		/* one more try may help */
	bool		loading;	/* the server loads its model: wait */
	unsigned	refuses;	/* what it names: bits */
	char		reason[200];	/* the error's words; may be empty */
};

/*
 * What a response with this status (any but 200) and body means.  `model' is
 * for the message.
 */
void openai_refuse(struct openai_refusal *, long status, const char *body,
    size_t len, const char *model);

#endif
