/*
 * What is saved of a ticket's answer and what the answer cost: plain data that
 * the store, the frames and the upstream share.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A session that has an answer. */
struct session {
	int64_t	 id;
	char	*prompt;	/* the ticket's text that was answered */
	size_t	 prompt_len;
	char	*response;
	size_t	 response_len;
	char	 created[40];	/* when the answer was kept, ISO 8601 UTC */
	int64_t	 version;	/* which of the ticket's answers, from 1, */
	int64_t	 versions;	/* and of how many */
	bool	 cut;		/* it ended at the model's limit */
};

/* What a generation cost; times in milliseconds. */
struct cost {
	char	model[256];
	char	done_reason[32];
	int64_t	prompt_tokens, answer_tokens;
	int64_t	queued, first_token, total;	/* measured by us */
	int64_t	load, prompt, answer;		/* told by Ollama */
};

#endif
