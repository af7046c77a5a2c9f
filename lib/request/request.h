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
#include "base/limit.h"
#include "frame/failure.h"
#include "settings/settings.h"

/* Bytes of `lang' in a message: a language tag or an Accept-Language list. */
#define LANG_MAX	256

enum request_type {
	REQUEST_ASK, REQUEST_STOP, REQUEST_PING,
	REQUEST_OPEN,		/* show the existing answer; generate none */
	REQUEST_RATE,		/* the user's rating of an answer */
	REQUEST_WRITE,		/* the user's own answer */
	REQUEST_QUESTION	/* a question about an answer */
};

struct request {
	enum request_type	type;
	struct failure		failure;	/* code FAILURE_NONE: the
						   message is valid */
	enum language		language;	/* for messages to the client */
	struct buf		body;		/* the ticket's text, or the
						   comment of RATE, the answer
						   of WRITE, or a question;
						   owned */
	struct buf		token;		/* may be empty; owned */
	char			user[USER_MAX];	/* of the token that let this
						   message in, which need not be
						   the connection's last one;
						   "": none.  Set by the
						   caller */
	bool			refresh;	/* generate a new answer */
	struct buf		instruction;	/* with `refresh': a hint for
						   the new answer; empty: none;
						   owned */
	bool			status;		/* send status frames too */
	bool			thread;		/* send the turns of the
						   thread too */
	bool			sources;	/* send the notes that the model
						   was given, too */
	bool			tickets;	/* and the numbers of the
						   tickets that they come from.
						   Set by the caller */
	int64_t			version;	/* number of a saved answer,
						   from 1; 0: the newest */
	int64_t			session;	/* RATE, WRITE, QUESTION: the
						   answer's session; 0: see
						   `version' */
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
 * for the ticket's text, in bytes.  An answer is as long as the message allows:
 * the caller checks its length.  The caller frees the request.
 */
void request_read(struct request *, const char *text, size_t len,
    size_t max_body, enum language);

/*
 * How long a message may be, in bytes.  Only where people may write answers it
 * may be as long as an answer.
 */
size_t request_message_max(const struct settings *);

/* As request_read, for a message that could not be read for this reason. */
void request_refuse(struct request *, enum failure_code, size_t max_body,
    enum language);

void request_free(struct request *);

#endif
