/*
 * What a client wants: one message, checked field by field.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/language.h"
#include "frame/failure.h"

enum request_type {
	REQUEST_ASK, REQUEST_STOP, REQUEST_PING,
	REQUEST_OPEN		/* the answer that is there; none is made */
};

struct request {
	enum request_type	type;
	struct failure		failure;	/* code NONE: all is well */
	enum language		language;	/* of the answers to it */
	struct buf		body;		/* the ticket's text; owned */
	struct buf		token;		/* may be empty; owned */
	bool			refresh;	/* a new answer */
	bool			status;		/* send status frames too */
	int64_t			version;	/* a saved answer by its number
						   from 1; 0: any */
	bool			sessions;	/* `cached' and `done' tell
						   their session: the client
						   knows what 0.1 did not */
	bool			quiet;		/* refused, and not the first:
						   no line in the log */
	int64_t			seen;		/* the newest answer as it
						   came; see question.h */
};

/* Instead: it is found with the first look, or was by the question before. */
enum { SEEN_UNKNOWN = -1, SEEN_SAME = -2 };

/*
 * Reads a message.  What is wrong with it is told by `failure'; unknown
 * fields are ignored.  `language' holds where the message names none, and
 * max_body is the limit of the text in bytes.  The caller frees the request.
 */
void request_read(struct request *, const char *text, size_t len,
    size_t max_body, enum language);

/* As request_read of a message that could not be read for this reason. */
void request_refuse(struct request *, enum failure_code, size_t max_body,
    enum language);

void request_free(struct request *);

#endif
