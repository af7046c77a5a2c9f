/*
 * A session with all that is saved of it, in the form in which `sessions
 * export' writes it: a JSON object on a line.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "json/json.h"

/* In the order of the columns of the statement EXPORT, which names them. */
enum record_field {
	RECORD_TICKET, RECORD_TICKET_CREATED,
	RECORD_SESSION, RECORD_CREATED, RECORD_ANSWERED,
	RECORD_PROMPT, RECORD_RESPONSE,
	RECORD_MODEL, RECORD_REASON,
	RECORD_PROMPT_TOKENS, RECORD_ANSWER_TOKENS,
	RECORD_QUEUED_MS, RECORD_FIRST_TOKEN_MS, RECORD_TOTAL_MS,
	RECORD_LOAD_MS, RECORD_PROMPT_MS, RECORD_ANSWER_MS,
	/* Left out of the line if null, so that older versions, which do not
	   know them, read all others. */
	RECORD_FOLLOWS, RECORD_INSTRUCTION, RECORD_AUTHOR, RECORD_MODEL_TEXT,
	RECORD_PROMPT_HASH, RECORD_ASKED_BY, RECORD_SERVER,
	/* A line is either a session, or has the ticket and these: a rating. */
	RECORD_RATES, RECORD_USER, RECORD_GOOD, RECORD_WHY, RECORD_COMMENT,
	RECORD_RATED,
	/* Or the ticket and these: a note that an answer was given. */
	RECORD_GIVEN, RECORD_N, RECORD_NAME, RECORD_TITLE, RECORD_URL,
	RECORD_FROM_TICKET, RECORD_NOTE, RECORD_CITED,
	RECORD__MAX
};

/*
 * To be initialised with zeros.  Reading into the same record again saves
 * allocations.
 */
struct record {
	struct record_value {
		bool		null;
		int64_t		number;		/* for a number */
		struct buf	text;		/* for a time or a text */
	}		value[RECORD__MAX];
	struct json	json;
};

/* Whether a field is a number; else it is a text. */
bool record_is_number(int field);

/* Whether a line may lack the field, which is then null. */
bool record_is_optional(int field);

/* Sets a text.  Returns 0, or -1 as buf_add. */
int record_set(struct record *, enum record_field, const char *, size_t len)
    __attribute__((warn_unused_result));

/*
 * Reads a line that has every field once (or not, if it is optional) and no
 * others.  Returns 0, or -1 with what is wrong in `error'.
 */
int record_read(struct record *, const char *line, size_t len, char *error,
    size_t size) __attribute__((warn_unused_result));

/*
 * Checks that the values are valid and fit together: a ticket without a session
 * has no other values, a cost is complete or absent, and a question is younger
 * than the answer that it follows.  Returns as record_read.
 */
int record_check(const struct record *, char *error, size_t size)
    __attribute__((warn_unused_result));

void record_free(struct record *);

#endif
