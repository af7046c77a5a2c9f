/*
 * A session with everything that is kept of it, as `sessions export' writes
 * it: a JSON object on a line.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "json/json.h"

/* In the order of the columns of the statement EXPORT, which has the names. */
enum record_field {
	RECORD_TICKET, RECORD_TICKET_CREATED,
	RECORD_SESSION, RECORD_CREATED, RECORD_ANSWERED,
	RECORD_PROMPT, RECORD_RESPONSE,
	RECORD_MODEL, RECORD_REASON,
	RECORD_PROMPT_TOKENS, RECORD_ANSWER_TOKENS,
	RECORD_QUEUED_MS, RECORD_FIRST_TOKEN_MS, RECORD_TOTAL_MS,
	RECORD_LOAD_MS, RECORD_PROMPT_MS, RECORD_ANSWER_MS,
	RECORD__MAX
};

/* Zero-initialised it is empty; reuse saves allocations. */
struct record {
	struct record_value {
		bool		null;
		int64_t		number;		/* of what is no text */
		struct buf	text;		/* of a time or a text */
	}		value[RECORD__MAX];
	struct json	json;
};

/* Whether a field is a number, not a text. */
bool record_is_number(int field);

/* Sets a text; 0, or -1 as buf_add. */
int record_set(struct record *, enum record_field, const char *, size_t len)
    __attribute__((warn_unused_result));

/*
 * Reads a line: every field once, and no other.  Returns 0, or -1 with what is
 * wrong in `error'.
 */
int record_read(struct record *, const char *line, size_t len, char *error,
    size_t size) __attribute__((warn_unused_result));

/*
 * Looks whether the values fit their types, and one another: a ticket without
 * a session has nothing else, a cost is whole or not there.  As record_read.
 */
int record_check(const struct record *, char *error, size_t size)
    __attribute__((warn_unused_result));

void record_free(struct record *);

#endif
