/*
 * A response: turns the frames of a question into HTTP, as they come.  A
 * failure before the first bytes decides the status; afterwards it is the last
 * frame, and in the form of plain text the body just does not end as it should.
 */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "frame/failure.h"
#include "viewer/output.h"

enum reply_form {
	REPLY_LINES,		/* frames, one JSON object a line */
	REPLY_EVENTS,		/* frames as text/event-stream */
	REPLY_TEXT		/* the text of the answer alone */
};

/* To be initialised with zeros, and then with what is known. */
struct reply {
	struct output	*out;		/* to the client; borrowed */
	enum reply_form	 form;
	bool		 old;		/* HTTP/1.0: no chunks */
	bool		 bodiless;	/* HEAD */
	struct buf	 held;		/* the text, until all of it is there:
						   without chunks nobody would
						   see that some is missing;
						   cap 0: it is sent as it
						   comes */
	const char	*origin;	/* of an allowed page; NULL: none */
	bool		 begun;		/* the status is written */
	bool		 over;		/* all of it is */
	bool		 chunked;	/* so is the body */
	bool		 written;	/* some text, in the form of text */
	bool		 failed;	/* no memory, or not the whole text */
};

/* The form that an Accept wants most; without one it is REPLY_LINES. */
enum reply_form reply_form(const char *accept);

/*
 * Writes a whole response.  `fields' are more lines of its head, each with its
 * line end.
 */
void reply_whole(struct reply *, int status, const char *fields,
    const char *type, const char *body, size_t len);

/*
 * Refuses a request: one `error' frame as JSON, whatever was accepted.  Status
 * 0: that of the failure's kind.
 */
void reply_refuse(struct reply *, int status, const char *fields,
    const struct failure *, enum language);

/* Writes the head for frames, if it is not written yet; HEAD then has all. */
void reply_begin(struct reply *);

/* Writes a frame, a line without its end. */
void reply_frame(struct reply *, const char *line, size_t len);

/* Ends a response that has begun; one without any frame has no content. */
void reply_end(struct reply *);

#endif
