/*
 * One answer being made, as an automaton.  Each state has one function, which
 * returns whether to go on at once, to wait, or that all is over; one function
 * waits, one knows the next deadline, one frees.
 *
 *	QUEUED ──▶ CHOOSING ──▶ WRITING ──▶ SAVING ──▶ DRAINING ──▶ ENDED
 *	   ▲           │           │
 *	   └───────────┴───────────┘	the server failed, and there is another
 *
 * Whatever fails goes to DRAINING with an error frame.  answer.c has the
 * states, status.c what the viewers hear about them.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "frame/failure.h"
#include "frame/frame.h"
#include "generation/hub.h"
#include "generation/pool.h"
#include "ollama/http.h"
#include "ollama/upstream.h"
#include "settings/settings.h"
#include "store/node.h"
#include "store/slot.h"

enum answer_state {
	ANSWER_QUEUED,		/* no server has a free slot yet */
	ANSWER_CHOOSING,	/* several servers say which models they have
				   loaded */
	ANSWER_WRITING,		/* the upstream writes */
	ANSWER_SAVING,		/* the text is whole and not saved yet */
	ANSWER_DRAINING,	/* slow viewers read up to the last frame */
	ANSWER_ENDED
};

struct answer {
	/* Set by the caller. */
	struct settings		 settings;
	const struct http	*http;		/* answer_load sets it */
	struct buf		 prompt;	/* the ticket's text */
	struct slot		 slot;
	bool			 filter;	/* frames go to `out'; else to
						   whoever connects to the
						   socket ANSWER_LISTENER */
	int			 out;
	int64_t			 ticket;	/* 0: a filter's */
	int64_t			 session;	/* 0: not known yet */
	int64_t			 seen;		/* the ticket's newest answer
						   when chat looked */
	const char		*text_hash;	/* of the prompt; "": none */

	/* Set by answer_fail and by the states. */
	struct failure		 failure;
	const char		*reason;	/* for the log */

	/* Of answer.c. */
	enum answer_state	 state;
	int64_t			 due;		/* of the state: clock_us */
	struct hub		 hub;
	struct node		*node;		/* NULL: a filter */
	struct pool		 pool;
	struct upstream		 upstream;
	struct frame_stream	 stream;
	struct buf		 text;
	char			 path[sizeof(((struct sockaddr_un *)0)->
				    sun_path)];	/* of our socket */
	struct stat		 socket;	/* and which one it was */
	int64_t			 started;
	bool			 wait_failed;	/* of libcurl */

	bool			 full_once;	/* QUEUED: found the queue full
						   once already */
	int			 position;	/* QUEUED: that was told */
	bool			 theirs;	/* QUEUED: another node has the
						   ticket */
	bool			 late;		/* the ticket is answered: its
						   viewers look again, and get
						   no frame */
	int64_t			 save_began;	/* SAVING: 0: not yet */
	int64_t			 save_pause;	/* SAVING: milliseconds */
	bool			 save_told;	/* SAVING: viewers know */
	int64_t			 versions;	/* of the ticket's answer */
	bool			 settled;	/* what was shown is not what is
						   saved */

	/* Of status.c. */
	bool			 has_status;	/* the next two are set */
	enum frame_state	 status;	/* the newest */
	int			 place;		/* of FRAME_QUEUED */
	size_t			 viewers;	/* in the current line, */
	size_t			 viewers_told;	/* and in one sent to all */
	int64_t			 viewers_again;	/* not before: clock_us */
	bool			 over;		/* the last frame is there */
};

/* The descriptor of the listening socket, as in sd_listen_fds(3). */
enum { ANSWER_LISTENER = 3 };

/* Notes the first failure; the reason, for the log, is borrowed. */
void answer_fail(struct answer *, enum failure_code, const char *reason);

/*
 * Loads libcurl, which takes 3 ms: only when it is needed.  Returns false with
 * the failure noted.
 */
bool answer_load(struct answer *);

/*
 * Makes the answer, from the queue to the last frame.  A failure that is noted
 * already becomes the error frame.  Returns 0, or -1 with errno where nobody
 * can be told anything.
 */
int answer_run(struct answer *);

/* Frees what answer_run has made. */
void answer_free(struct answer *);

/*
 * status.c: tells all viewers a new state; `place' is that of FRAME_QUEUED,
 * else 0.
 */
void answer_status(struct answer *, enum frame_state, int place);

/* Tells all viewers which session is worked on; 0: another node works on it. */
void answer_session(struct answer *, int64_t session);

/*
 * Tells how many viewers there are where that has changed, at most once in
 * VIEWERS_PAUSE; and when that is due: clock_us or CLOCK_NEVER.
 */
void answer_viewers(struct answer *, int64_t now);
int64_t answer_viewers_due(const struct answer *);

#endif
