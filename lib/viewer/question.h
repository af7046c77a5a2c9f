/*
 * One question of a viewer, as an automaton.  Each state has one function,
 * which returns whether to go on at once, to wait, or that the question has
 * ended; one place ends it and frees, one function knows the next deadline.
 *
 *	LOOKING ──▶ ATTACHING ──▶ STARTING ──▶ FOLLOWING ──▶ (end)
 *	   ▲            ▲            │             │
 *	   │            └────────────┘             │
 *	   └───────────────────────────────────────┘	the generation has gone
 *
 * LOOKING ends it with a saved answer, FOLLOWING with a new one; each state may
 * end it with an error.  Exactly one terminal frame is written.
 */
#ifndef QUESTION_H
#define QUESTION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/admission.h"
#include "base/child.h"
#include "request/connection.h"
#include "request/request.h"
#include "settings/settings.h"
#include "store/store.h"
#include "viewer/output.h"
#include "viewer/query.h"

enum question_state {
	QUESTION_IDLE,		/* there is no question */
	QUESTION_LOOKING,	/* for a saved answer that serves */
	QUESTION_ATTACHING,	/* connecting to the ticket's generation, or
				   taking the claim to start one */
	QUESTION_STARTING,	/* under the claim: the database is asked once
				   more, then `answer' is started */
	QUESTION_FOLLOWING,	/* connected: lines are forwarded */
	QUESTION_STOPPING	/* no question: a stop is on its way to the
				   generation of this ticket */
};

struct question {
	/* Set by question_init. */
	const struct settings	*settings;
	const struct connection	*connection;
	struct output		*out;
	struct admission	*admission;	/* who pays for it */
	bool			 remote;	/* the database is a server's */
	bool			 sessions;	/* frames of this connection
						   tell their session */

	enum question_state	 state;
	struct request		 request;	/* owned */
	int64_t			 started, first;	/* clock_us; of the
						   first text, 0: none */
	size_t			 bytes;		/* of its frames */
	int64_t			 session;	/* that answers it; 0: not
						   known */
	int64_t			 tokens;	/* that it cost; 0: not known */
	bool			 stop;		/* the viewer said stop */

	/* Of LOOKING and STARTING. */
	enum query_kind		 asked;
	struct store		*store;		/* a file's, or NULL */
	struct child		 child;		/* that asks a server */
	bool			 charged;	/* to the user's rate limit */
	int64_t			 newest;	/* saved answer, a session; 0:
						   there is none */
	int64_t			 noted;		/* the first one found, or
						   SEEN_UNKNOWN */
	char			 text_hash[TEXT_HASH + 1];	/* of the body;
						   "": not known */

	/* Of ATTACHING and STARTING. */
	int			 run_dir;	/* shared (store/identity.h)
						   until the end; -1: not yet */
	int			 claim;		/* -1: not ours */
	int			 tries;		/* generations that went just
						   as we came */
	int64_t			 pause;		/* microseconds */
	int64_t			 next, deadline;	/* clock_us; of STOPPING
						   too, and a pause before
						   LOOKING */

	/* Of FOLLOWING. */
	int			 fd;		/* the connection; -1: none */
	struct buf		 in;		/* what came of the next line */
	bool			 changed;	/* it answers another text */
	bool			 waiting;	/* only for its end: ours is
						   answered next */
	bool			 elsewhere;	/* it runs on another node */
	bool			 stop_sent;
	bool			 alive;		/* it promises lines */
	int			 pidfd;		/* of its process; or -1 */
	int			 waits;		/* without a line, in a row */
	int64_t			 wait_end;	/* of the current one */

	/* For question_end. */
	const char		*outcome;	/* a word for the log; NULL:
						   there was no question */
	enum failure_code	 code;
	int			 exit;
	char			 call[16], error[512];	/* that failed, and
						   why; "": none */

	int			 exit_code;	/* the worst of all questions */
};

/* Prepares for questions; all of them are borrowed. */
void question_init(struct question *, const struct settings *,
    const struct connection *, struct admission *, struct output *);

/*
 * As a message comes in: notes for a `refresh' which answer was the newest
 * one, so that a double click costs one generation.  `behind': others wait to
 * begin before it.
 */
void question_note(struct question *, struct request *, bool behind);

/*
 * Begins a question, perhaps ending it at once.  Takes the request over.
 * Only while none is running.
 */
void question_begin(struct question *, struct request *, int64_t now);

/*
 * What to wait for: fills in `p' (fd -1: nothing) and returns the deadline
 * of the next step, CLOCK_NEVER where there is none.
 */
int64_t question_wait(const struct question *, struct pollfd *p);

/*
 * Goes on until there is something to wait for.  `p' is as it came back from
 * poll; NULL: nothing was polled.
 */
void question_step(struct question *, const struct pollfd *p, int64_t now);

/*
 * Ends the running generation of the ticket for everyone; if none: nothing.
 * Where it is too busy to hear us at once, the next question waits until it
 * has, or is given up.
 */
void question_stop(struct question *);

/* Lets go of everything; a running generation goes on. */
void question_free(struct question *);

#endif
