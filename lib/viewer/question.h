/*
 * One question of a viewer, as an automaton.  Each state has one function,
 * which returns whether to call the next state's function at once, to wait, or
 * to end the question.  question_end alone ends a question, question_free alone
 * frees its resources, and question_wait alone knows the next deadline.
 *
 *	LOOKING ──▶ ATTACHING ──▶ STARTING ──▶ FOLLOWING ──▶ (end)
 *	   ▲            ▲            │             │
 *	   │            └────────────┘             │
 *	   └───────────────────────────────────────┘	the generation has gone
 *
 * LOOKING ends with a saved answer, FOLLOWING with a new one; then TURNING
 * sends the thread, if the viewer asked for it.  Every state may end with an
 * error.  A question writes exactly one terminal frame.
 */
#ifndef QUESTION_H
#define QUESTION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/admission.h"
#include "generation/generation.h"
#include "request/connection.h"
#include "request/request.h"
#include "settings/settings.h"
#include "store/store.h"
#include "viewer/output.h"
#include "viewer/query.h"

enum question_state {
	QUESTION_IDLE,		/* no question */
	QUESTION_LOOKING,	/* asking the database for a saved answer */
	QUESTION_ATTACHING,	/* connecting to the ticket's generation, or
				   taking the claim to start one */
	QUESTION_STARTING,	/* with the claim: asking the database once
				   more, then starting `answer' */
	QUESTION_FOLLOWING,	/* connected: forwarding the generation's
				   lines */
	QUESTION_TURNING,	/* the answer is sent: reading the turns of its
				   thread as fast as the viewer takes them */
	QUESTION_STOPPING	/* no question: sending `stop' to the ticket's
				   generation */
};

struct question {
	/* Set by question_init. */
	const struct settings	*settings;
	const struct connection	*connection;
	struct output		*out;
	struct admission	*admission;	/* charged for the question */
	bool			 remote;	/* DATABASE is a server, not a
						   file */
	bool			 sessions;	/* frames of this connection
						   name their session */

	enum question_state	 state;
	struct request		 request;	/* owned */
	int64_t			 started, first;	/* clock_us; `first':
							   when the viewer got
							   the first text, 0:
							   not yet */
	size_t			 bytes;		/* of frames for this
						   question */
	int64_t			 session;	/* whose answer is shown; 0: not
						   known */
	int64_t			 tokens;	/* the answer's length; 0: not
						   known */
	bool			 stop;		/* the viewer asked to stop */
	struct subject		 subject;	/* of the generation that the
						   question needs */
	int64_t			 root, version;	/* QUESTION: the answer that it
						   is about; 0: not known */

	/* Used in LOOKING and STARTING. */
	enum query_kind		 asked;
	struct store		*store;		/* an open file; else NULL */
	struct asking		 asking;	/* the question to a server */
	bool			 charged;	/* counted in the user's
						   RATE_LIMIT */
	int64_t			 newest;	/* session of the newest saved
						   answer; 0: none */
	int64_t			 noted;		/* the value of `newest' when
						   first known, or
						   SEEN_UNKNOWN */
	/* "": not known, or there is none */
	char			 text_hash[TEXT_HASH + 1];
	char			 instruction_hash[TEXT_HASH + 1];

	/* Used in ATTACHING and STARTING. */
	int			 run_dir;	/* the shared lock on RUN_DIR
						   (store/identity.h), until the
						   end; -1: none yet */
	int			 claim;		/* the ticket's or question's
						   claim; -1: not held */
	int			 claim_ticket;	/* the ticket's claim, shared
						   for a question; -1: not
						   held */
	int64_t			 made;		/* the row that this question
						   made for itself; 0: none */
	int			 tries;		/* generations that ended before
						   their first line came */
	int64_t			 pause;		/* until the next try;
						   microseconds */
	int64_t			 next, deadline;	/* of the next try and
							   of the last one:
							   clock_us; also for
							   STOPPING, and for a
							   pause in LOOKING */

	/* Used in FOLLOWING. */
	int			 fd;		/* connection to the generation;
						   -1: none */
	struct buf		 in;		/* bytes of an incomplete
						   line */
	bool			 own;		/* this question started the
						   generation */
	bool			 begun;		/* its first line came */
	bool			 changed;	/* the generation answers
						   another text */
	bool			 waiting;	/* we need another generation,
						   and wait for the end of this
						   one */
	bool			 elsewhere;	/* the generation runs on
						   another node */
	bool			 stop_sent;
	bool			 alive;		/* the generation sends a line
						   at least every ALIVE s */
	int			 pidfd;		/* of the generation; -1: not
						   known */
	int			 waits;		/* in a row without a line */
	int64_t			 wait_end;	/* of the current wait:
						   clock_us */

	/* Used in TURNING. */
	struct buf		 last;		/* the frame `done' */
	int64_t			 turn;		/* the last turn sent */

	/* What question_end reads. */
	const char		*outcome;	/* for the log; NULL: there was
						   no question */
	enum failure_code	 code;
	int			 exit;
	char			 call[16], error[512];	/* which call failed and
							   why; "": none */

	int			 exit_code;	/* the highest of all questions
						   so far */
};

/* Prepares the automaton.  All pointers are borrowed. */
void question_init(struct question *, const struct settings *,
    const struct connection *, struct admission *, struct output *);

/*
 * To be called as soon as a message arrives.  For a `refresh', notes which
 * answer is the newest at that time, so that a double click costs only one
 * generation.  `behind': earlier questions still wait to begin.
 */
void question_note(struct question *, struct request *, bool behind);

/*
 * Begins a question; it may end before this returns.  Takes over the request's
 * buffers.  To be called only while no question runs.
 */
void question_begin(struct question *, struct request *, int64_t now);

/*
 * What to wait for: sets *p for poll (fd -1: no descriptor) and returns when
 * question_step is due at the latest, clock_us or CLOCK_NEVER.
 */
int64_t question_wait(const struct question *, struct pollfd *p);

/*
 * Runs the automaton until it has to wait or the question has ended.  `p' is
 * what question_wait set, after poll; NULL if nothing was polled.
 */
void question_step(struct question *, const struct pollfd *p, int64_t now);

/*
 * Ends the ticket's running generation for all its viewers; does nothing if
 * none runs.  If the generation is too busy to accept a connection, tries again
 * until STOP_TIMEOUT; until then the next question waits.
 */
void question_stop(struct question *);

/* Frees everything.  A running generation continues. */
void question_free(struct question *);

#endif
