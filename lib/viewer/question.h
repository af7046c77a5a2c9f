/*
 * One question on its way: look for an answer that is kept, else attach to
 * the generation of this ticket or start it, then follow it.  Everything that
 * a viewer gets for a question is written here; exactly one terminal frame.
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
	QUESTION_IDLE,		/* none is running */
	QUESTION_ASKING,	/* waiting for a database server's verdict */
	QUESTION_ATTACHING,	/* looking for the generation, or starting it */
	QUESTION_FOLLOWING,	/* connected to it */
	QUESTION_STOPPING	/* no question: a stop on its way to one */
};

struct question {
	/* Set by the owner, once. */
	const struct settings	*settings;
	const struct connection	*connection;
	struct output		*out;
	struct admission	*admission;	/* who pays for it */
	bool			 remote;	/* the database is a server's */

	/* Of the question that runs. */
	enum question_state	 state;
	struct request		 request;	/* owned */
	struct store		*store;		/* a file's, while needed; NULL */
	enum query_kind		 asked;		/* what the server is asked, */
	struct child		 child;		/* and the program that does */
	int			 claim;		/* while one is started; -1 */
	int			 fd;		/* while following */
	int			 run_dir;	/* shared while we attach and
						   follow, see identity.h; -1 */
	struct buf		 in;		/* what came of the next line */
	int64_t			 session;	/* that we follow; 0: unknown */
	char			 text_hash[TEXT_HASH + 1];	/* of the body;
						   "": not known */
	bool			 changed;	/* it answers another text, */
	bool			 waiting;	/* for its end: ours is next */
	bool			 elsewhere;	/* another machine has it */
	int64_t			 tokens;	/* that it cost; 0: unknown */
	bool			 stop;		/* the viewer wants an end */
	bool			 stop_sent;
	bool			 alive;		/* it promises lines */
	int			 pidfd;		/* of it, then; else -1 */
	int			 waits;		/* for a line, without one */
	int64_t			 wait_end;	/* of the next one */
	bool			 charged;	/* to the user's rate limit */
	int64_t			 newest;	/* the answer found; 0: none */
	int64_t			 noted;		/* the first one found, or
						   SEEN_UNKNOWN */
	int			 tries;		/* came just as it went */
	int64_t			 pause, next, deadline;	/* while attaching */
	int64_t			 started, first;	/* clock_us; of the
						   first text, 0: none */
	size_t			 bytes;		/* of frames */

	int			 exit_code;	/* the worst of all questions */
};

/* Begins; the three are borrowed and set by the owner. */
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

/* Goes on after a wait; p as it came back from poll. */
void question_step(struct question *, const struct pollfd *p, int64_t now);

/*
 * Ends the running generation of the ticket for everyone; if none: nothing.
 * Where it is too busy to hear us at once, the next question waits until it
 * has, or is given up.
 */
void question_stop(struct question *);

/*
 * For attach.c and follow.c: asks the database and goes on with the verdict; at
 * once where it is a file, else the state is QUESTION_ASKING meanwhile.
 */
void question_ask(struct question *, enum query_kind, int64_t now);

/* Lets go of everything; a running generation goes on. */
void question_free(struct question *);

#endif
