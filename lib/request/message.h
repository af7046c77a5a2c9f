/*
 * Splitting stdin into messages.  websocketd writes each WebSocket message
 * followed by a line feed, and does not escape line feeds within the message,
 * so a pretty-printed object arrives as several lines.  A message therefore
 * ends at the first line end where all brackets are closed.  It also ends
 * before a line that begins with a bracket where no value may stand: the end of
 * the first message was lost, and another one begins.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum message_event {
	MESSAGE_MORE,		/* all bytes are read, no message yet */
	MESSAGE_READY,		/* text holds a message, which may be invalid
				   JSON */
	MESSAGE_BROKEN,		/* a line end within a string, or too many
				   brackets */
	MESSAGE_TOO_LARGE	/* longer than text.cap */
};

struct message_reader {
	struct buf	text;		/* the caller sets its cap */
	unsigned	depth;		/* open brackets */
	unsigned	bom;		/* bytes of a byte order mark so far; 3:
					   done */
	bool		string;		/* within a string */
	bool		escape;		/* after a backslash in a string */
	bool		begun;		/* something other than white space was
					   read */
	bool		structured;	/* the message began with a bracket */
	bool		skipping;	/* already reported; drop the rest */
	bool		given;		/* text holds the message returned
					   last */
	bool		line;		/* only white space since the last line
					   end */
	char		last;		/* the last byte other than white
					   space */
};

/*
 * Reads bytes up to the end of one message and returns how many it read.  After
 * MESSAGE_READY the text is valid until the next call.
 *
 * A new message begins after a line end within a string and before a line that
 * cannot belong to the current message.  If a message has too many brackets,
 * the rest of its line is dropped; if it is too long, the rest of the message.
 * Blank lines are skipped.  Running out of memory counts as MESSAGE_TOO_LARGE.
 */
size_t message_read(struct message_reader *, const char *, size_t len,
    enum message_event *);

/*
 * To be called at the end of input, or after MESSAGE_TIMEOUT.  Returns
 * MESSAGE_READY if only the line end was missing, MESSAGE_BROKEN if the message
 * is incomplete, MESSAGE_MORE if there was none.
 */
enum message_event message_end(struct message_reader *);

/*
 * After MESSAGE_BROKEN: returns the part of the text that may hold further
 * messages.  It starts at the second or a later line, the first of those that
 * begins with a bracket.  NULL: no such line, or no memory.  The caller frees
 * it.
 */
char *message_rest(struct message_reader *, size_t *len);

/* Whether a message has begun but not ended. */
bool message_incomplete(const struct message_reader *);

/*
 * After the caller has read a message: frees the memory of a large one.
 * Returns whether it did; the memory of small ones is used again.
 */
bool message_release(struct message_reader *);

void message_free(struct message_reader *);

#endif
