/*
 * The frames: every line that a client gets, and those that answer sends to
 * chat.  One JSON object a line, as websocket.md describes them.
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

/* What a generation is doing, for those who asked for `status'. */
enum frame_state {
	FRAME_QUEUED, FRAME_LOADING, FRAME_THINKING, FRAME_GENERATING,
	FRAME_SAVING,		/* all is said; the database is waited for */
	FRAME_STATE__MAX
};

/* What a line from answer is. */
enum frame_type {
	FRAME_OTHER, FRAME_SESSION, FRAME_STREAM, FRAME_STATUS, FRAME_COST,
	FRAME_KEPT,
	FRAME_DONE, FRAME_ERROR
};

/*
 * Each appends one whole line; returns 0, or -1 with the buffer unchanged
 * (over its cap, no memory).  Of versions it tells where there is more than
 * one.
 */
enum frame_cached {			/* any of them */
	FRAME_BODY_CHANGED = 1,		/* bodyChanged: it answers another
					   text */
	FRAME_WITH_SESSION = 2,		/* session */
	FRAME_WITH_BODY = 4		/* ticketBody: the text it answers */
};
int frame_cached(struct buf *, const struct session *, unsigned how,
    enum language)
    __attribute__((warn_unused_result));
/* Session 0: it is not told. */
int frame_done(struct buf *, bool cut_by_length, int64_t versions,
    int64_t session)
    __attribute__((warn_unused_result));
int frame_error(struct buf *, const struct failure *, enum language)
    __attribute__((warn_unused_result));
/* The position is of FRAME_QUEUED; viewers 0: it is not told how many. */
int frame_status(struct buf *, enum frame_state, int position, int viewers)
    __attribute__((warn_unused_result));
int frame_pong(struct buf *) __attribute__((warn_unused_result));

/*
 * As another frame's line (of len bytes, without its end), with bodyChanged and
 * with the session (0: without).
 */
int frame_done_again(struct buf *, const char *line, size_t len,
    bool body_changed, int64_t session)
    __attribute__((warn_unused_result));

/*
 * Lines of answer that chat keeps for itself, and may be without: the first
 * one, which session it works on, its pid, that a line comes at least every
 * ALIVE seconds, and the hash of the text that it answers ("": not told); the
 * one that comes where there is nothing else to say; the one before the
 * terminal frame, what the answer cost.
 */
int frame_session(struct buf *, int64_t session, int64_t pid,
    const char *text_hash)
    __attribute__((warn_unused_result));
int frame_alive(struct buf *) __attribute__((warn_unused_result));
int frame_cost(struct buf *, int64_t tokens)
    __attribute__((warn_unused_result));

/*
 * One more, in front of `done': what is kept is not what was shown, so that
 * chat reads it from the database and sends it as `cached'.
 */
int frame_kept(struct buf *) __attribute__((warn_unused_result));

/*
 * Stream frames are written piece by piece, so that what a model sends at the
 * same time leaves as one frame.  A frame ends between two pieces; a piece
 * that is too long for one alone is cut between characters.  The frame that is
 * being written is kept apart: `out' holds whole frames only, whatever fails.
 */
struct frame_stream {
	struct buf	*out;		/* borrowed; whole frames go here */
	struct buf	 open;		/* the frame being written; empty: none
					   is.  Its cap is set here. */
};

/*
 * Add a piece, end the frame; 0, or -1 as buf_add.  After -1 the text of this
 * frame is not in `out', so the generation must end with an error.
 */
int frame_stream_add(struct frame_stream *, const char *text, size_t len)
    __attribute__((warn_unused_result));
int frame_stream_end(struct frame_stream *)
    __attribute__((warn_unused_result));

/* Frees the frame being written. */
void frame_stream_free(struct frame_stream *);

/* A line that answer sent, read by chat. */
struct frame {
	enum frame_type	type;
	int64_t		session;	/* of a session frame */
	int64_t		pid;
	bool		alive;		/* it promises a line every ALIVE s */
	char		text_hash[TEXT_HASH + 1];	/* "": not told */
	int64_t		tokens;		/* of a cost frame */
	struct failure	failure;	/* of an error frame */
	enum frame_state state;		/* of a status frame */
	int		position;
};

/* Reads one line; one that is no frame is FRAME_OTHER. */
void frame_read(struct frame *, const char *line, size_t len);

/* Appends the text of a stream frame; 0, or -1 with errno. */
int frame_content(const char *line, size_t len, struct buf *)
    __attribute__((warn_unused_result));

/* The name of a state ("queued"). */
const char *frame_state_name(enum frame_state);

#endif
