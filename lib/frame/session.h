/*
 * A ticket's saved answer and what generating it cost: plain data for the
 * store, the frames and the upstream.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A session with an answer. */
struct session {
	int64_t	 id;
	char	*prompt;	/* the ticket's text that was answered */
	size_t	 prompt_len;
	char	*response;
	size_t	 response_len;
	char	*author;	/* whoever wrote it in place of the model, "":
				   without a name; NULL: the model wrote it */
	char	*instruction;	/* the hint that it was written with; NULL:
				   none */
	char	 created[40];	/* when the answer was saved, ISO 8601 UTC */
	int64_t	 version;	/* the number of this answer of the ticket, or
				   of the one it is about, from 1 */
	int64_t	 follows;	/* the session of the answer that this is a
				   question about; 0: it is no question */
	int64_t	 versions;	/* how many answers the ticket has */
	bool	 cut;		/* the answer ended at the model's token
				   limit */
};

/* What generating an answer cost.  All times are in milliseconds. */
struct cost {
	char	model[256];
	char	done_reason[32];
	int64_t	prompt_tokens, answer_tokens;
	int64_t	queued, first_token, total;	/* measured by us */
	int64_t	load, prompt, answer;		/* reported by Ollama */
};

#endif
