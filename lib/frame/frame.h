/*
 * Frames: all lines that a client gets, and the lines that `answer' sends to
 * chat.  Each is one JSON object on a line, as described in websocket.md.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/language.h"
#include "frame/failure.h"
#include "frame/session.h"
#include "text/text.h"

/* The states of a generation, sent to clients that asked for `status'. */
enum frame_state {
	FRAME_QUEUED, FRAME_LOADING, FRAME_THINKING, FRAME_GENERATING,
	FRAME_SAVING,		/* the text is complete, the database is not
				   done */
	FRAME_STATE__MAX
};

/* The type of a line that `answer' sent. */
enum frame_type {
	FRAME_OTHER, FRAME_SESSION, FRAME_STREAM, FRAME_STATUS, FRAME_COST,
	FRAME_KEPT,
	FRAME_DONE, FRAME_ERROR
};

/*
 * Each function appends one whole line.  Returns 0, or -1 with the buffer
 * unchanged (over its cap, or no memory).  `versions' is written if it is more
 * than one.  If the session is a question (follows), `cached' names the session
 * and the version of the answer it is about, and the session itself as `turn'.
 */
enum frame_cached {			/* flags */
	FRAME_BODY_CHANGED = 1,		/* bodyChanged: the answer is for
					   another text */
	FRAME_WITH_SESSION = 2,		/* session */
	FRAME_WITH_BODY = 4		/* ticketBody: the text that was
					   answered */
};
int frame_cached(struct buf *, const struct session *, unsigned how,
    enum language)
    __attribute__((warn_unused_result));
/* session 0: left out. */
int frame_done(struct buf *, bool cut_by_length, int64_t versions,
    int64_t session)
    __attribute__((warn_unused_result));
/* A question about an answer, and its own answer. */
int frame_turn(struct buf *, const struct session *)
    __attribute__((warn_unused_result));

/*
 * The notes that the model was given: begin the frame, add them, end it.  A
 * note has no url if that is no address to link to, and no ticket if that is 0.
 */
struct jsonw;
void frame_sources_begin(struct jsonw *, struct buf *);
void frame_sources_add(struct jsonw *, int64_t n, const char *title,
    const char *url, int64_t ticket, bool cited);
int frame_sources_end(struct jsonw *) __attribute__((warn_unused_result));
/* How many users rated a session's answer good and bad. */
int frame_rated(struct buf *, int64_t session, int64_t version, int64_t good,
    int64_t bad)
    __attribute__((warn_unused_result));
int frame_error(struct buf *, const struct failure *, enum language)
    __attribute__((warn_unused_result));
/* `position' is used with FRAME_QUEUED only; viewers 0: left out. */
int frame_status(struct buf *, enum frame_state, int position, int viewers)
    __attribute__((warn_unused_result));
int frame_pong(struct buf *) __attribute__((warn_unused_result));

/* The answer that `done' is about; numbers that are 0 are left out. */
struct frame_answer {
	int64_t	session, version;
	int64_t	turn;		/* the session of a question about it */
};

/*
 * Appends a copy of another frame's line (len bytes, without its line end),
 * with bodyChanged and these numbers added.
 */
int frame_done_again(struct buf *, const char *line, size_t len,
    bool body_changed, const struct frame_answer *)
    __attribute__((warn_unused_result));

/*
 * Lines for chat, which never reach a client:
 *
 *	session	the first line: which session is being answered, the pid
 *		of `answer', that a line follows at least every ALIVE
 *		seconds, and the subject; again when that has changed
 *	alive	if there was nothing else to send
 *	cost	before the terminal frame: the tokens of the answer
 */
enum { FRAME_QUESTION = 16 };	/* hexadecimal digits of `question' */
struct frame_subject {
	const char	*text_hash;	/* of the text being answered; "": not
					   known */
	const char	*instruction_hash;	/* "": none */
	int64_t		 follows;	/* the answer that is asked about; 0:
					   none */
	const char	*question;	/* the question's name; "": it is the
					   ticket's answer */
	bool		 elsewhere;	/* another node generates it */
};
int frame_session(struct buf *, int64_t session, int64_t pid,
    const struct frame_subject *)
    __attribute__((warn_unused_result));
int frame_alive(struct buf *) __attribute__((warn_unused_result));
int frame_cost(struct buf *, int64_t tokens)
    __attribute__((warn_unused_result));

/*
 * Also for chat, sent before `done': the saved text differs from the streamed
 * text.  chat then reads the answer from the database and sends it as `cached'.
 */
int frame_kept(struct buf *) __attribute__((warn_unused_result));

/*
 * Stream frames are built piece by piece, so that pieces that arrive together
 * leave as one frame.  A frame ends between two pieces, or between two
 * characters of a piece that is too long for one frame.  The frame being built
 * is in a buffer of its own, so that `out' holds only whole frames even after
 * an error.
 */
struct frame_stream {
	struct buf	*out;		/* borrowed; whole frames go here */
	struct buf	 open;		/* the frame being built; empty: none.
					   frame_stream_add sets its cap */
};

/*
 * Adds a piece; ends the frame.  Return 0, or -1 as buf_add.  After -1 the text
 * of this frame is lost, so the generation must end with an error.
 */
int frame_stream_add(struct frame_stream *, const char *text, size_t len)
    __attribute__((warn_unused_result));
int frame_stream_end(struct frame_stream *)
    __attribute__((warn_unused_result));

/* Frees the frame being built. */
void frame_stream_free(struct frame_stream *);

/* A line of `answer', as chat reads it. */
struct frame {
	enum frame_type	type;
	int64_t		session;	/* session frame */
	int64_t		pid;
	bool		alive;		/* session frame: lines follow at least
					   every ALIVE s */
	/* session frame; "": none, or not known */
	char		text_hash[TEXT_HASH + 1];
	char		instruction_hash[TEXT_HASH + 1];
	char		question[TEXT_HASH + 1];	/* session frame: see
							   struct */
	int64_t		follows;			/* frame_subject */
	bool		elsewhere;
	int64_t		tokens;		/* cost frame */
	struct failure	failure;	/* error frame */
	enum frame_state state;		/* status frame */
	int		position;
};

/* Reads a line.  Any other line gets the type FRAME_OTHER. */
void frame_read(struct frame *, const char *line, size_t len);

/* Appends the text of a stream frame.  Returns 0, or -1 with errno. */
int frame_content(const char *line, size_t len, struct buf *)
    __attribute__((warn_unused_result));

/* The name of a state ("queued"). */
const char *frame_state_name(enum frame_state);

#endif
