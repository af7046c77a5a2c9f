/*
 * A client's message, checked field by field.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/language.h"
#include "frame/failure.h"

/* Bytes of `lang' in a message: a language tag or an Accept-Language list. */
#define LANG_MAX	256

enum request_type {
	REQUEST_ASK, REQUEST_STOP, REQUEST_PING,
	REQUEST_OPEN,		/* show the existing answer; generate none */
	REQUEST_RATE		/* the user's rating of an answer */
};

struct request {
	enum request_type	type;
	struct failure		failure;	/* code FAILURE_NONE: the
						   message is valid */
	enum language		language;	/* for messages to the client */
	struct buf		body;		/* the ticket's text, or the
						   comment of RATE; owned */
	struct buf		token;		/* may be empty; owned */
	bool			refresh;	/* generate a new answer */
	bool			status;		/* send status frames too */
	int64_t			version;	/* number of a saved answer,
						   from 1; 0: the newest */
	int64_t			session;	/* RATE: the answer's session;
						   0: see `version' */
	bool			good;		/* RATE: whether the user finds
						   the answer good */
	const char		*reason;	/* RATE: one of a few words;
						   "": none */
	bool			sessions;	/* `cached' and `done' carry
						   their session: the client
						   uses messages that 0.1 did
						   not have */
	bool			quiet;		/* a repeated refusal: do not
						   log it */
	int64_t			seen;		/* session of the newest answer
						   when the message arrived: see
						   question_note */
};

/*
 * Values of `seen': set by the first look-up, or by that of the question
 * before.
 */
enum { SEEN_UNKNOWN = -1, SEEN_SAME = -2 };

/*
 * Reads a message.  `failure' says what is wrong with it; unknown fields are
 * ignored.  `language' is used if the message names none; max_body is the limit
 * for the text, in bytes.  The caller frees the request.
 */
void request_read(struct request *, const char *text, size_t len,
    size_t max_body, enum language);

/* As request_read, for a message that could not be read for this reason. */
void request_refuse(struct request *, enum failure_code, size_t max_body,
    enum language);

void request_free(struct request *);

#endif
