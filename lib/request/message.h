/*
 * Cutting stdin into messages.  websocketd writes a WebSocket message and a
 * line feed, and line feeds within a message as they are: a pretty-printed
 * object arrives as several lines.  So a message ends at the first line end
 * at which its brackets balance, or in front of a line that begins with a
 * bracket where no value may stand: its end was lost, and another one begins.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum message_event {
	MESSAGE_MORE,		/* all bytes taken, no message yet */
	MESSAGE_READY,		/* text holds one, perhaps no valid JSON */
	MESSAGE_BROKEN,		/* a line end in a string, or too deep */
	MESSAGE_TOO_LARGE	/* over text's cap */
};

struct message_reader {
	struct buf	text;		/* give it its cap */
	unsigned	depth;		/* open brackets */
	unsigned	bom;		/* bytes of its mark so far; 3: past */
	bool		string;		/* within a string */
	bool		escape;		/* behind its backslash */
	bool		begun;		/* something but white space came */
	bool		structured;	/* it began with a bracket */
	bool		skipping;	/* reported; the rest is dropped */
	bool		given;		/* text is the last message's */
	bool		line;		/* at the beginning of a line in it */
	char		last;		/* its last byte but white space */
};

/*
 * Takes bytes up to the end of one message and returns how many.  After
 * MESSAGE_READY the text is valid until the next call.  Behind a line end in
 * a string, or in front of a line that cannot belong to it, another message
 * begins; of one that is too deep the rest of the line, of one that is too
 * large all the rest is dropped without another event.  Blank lines are
 * no messages.  No memory counts as MESSAGE_TOO_LARGE.
 */
size_t message_take(struct message_reader *, const char *, size_t len,
    enum message_event *);

/*
 * There is no more, or not in time: READY where all but the line end was
 * there, BROKEN where something was missing, MORE where nothing waited.
 */
enum message_event message_end(struct message_reader *);

/*
 * After BROKEN: what may be messages of their own in the text
 * that was taken, from the first line behind its first one that begins with a
 * bracket.  NULL: nothing, or no memory.  The caller frees it.
 */
char *message_rest(struct message_reader *, size_t *len);

/* Whether a message has begun and not ended. */
bool message_incomplete(const struct message_reader *);

void message_free(struct message_reader *);

#endif
