/*
 * The implementation of lib/store/node.h and lib/store/slots.h if the database
 * is a server: there may be several nodes.  A node is a row of TicketAIRuns.
 * It calls the functions of sql/postgres/002_identity.sql, one at a time.
 */
#ifndef RUNS_H
#define RUNS_H

#include "base/limit.h"
#include "store/node.h"
#include "store/postgres/pg.h"
#include "store/slots.h"

/* The call that is under way. */
enum runs_call {
	CALL_NONE, CALL_BEGIN, CALL_RENEW, CALL_SAVE, CALL_WATCH, CALL_STOP,
	CALL_END
};

/* What a run of ours asks for next. */
enum runs_want { WANT_QUEUED, WANT_RUNNING, WANT_MOVE, WANT_SAVING };

struct node {
	struct node_wish	 wish;
	struct store		*store;
	int			 epoll, fd;	/* `fd' is the one in the epoll
						   set; -1: none */
	char			 owner[PG_NAME];	/* a random name for
							   this try, so that a
							   process that hung for
							   long is not taken for
							   its successor */
	char			 machine[65];
	enum node_state		 state;
	int64_t			 run, session;	/* ours, or the other node's */
	enum frame_state	 shows;
	enum failure_code	 failure;
	bool			 asked;		/* slots_try was called */

	enum runs_call		 call;
	int64_t			 until;		/* end of the call: clock_us;
						   CLOCK_NEVER while
						   connecting */
	int			 relay;		/* socket on which the resident
						   makes the call; -1: it is our
						   own */
	bool			 relayed;	/* the resident has accepted
						   it */
	struct buf		 reply;		/* of the resident */
	int64_t			 next;		/* earliest time of the next
						   call: clock_us */
	int64_t			 away;		/* clock_us: since when no call
						   succeeded; 0: the last one
						   did */
	int			 begun;		/* how often the run was lost
						   and begun again */
	bool			 lost;		/* the run is lost and not begun
						   again yet */

	/* Used for a run of ours. */
	enum runs_want		 want;
	enum runs_want		 wanted;	/* sent with the call under
						   way */
	int			 place, most;	/* in the queue */
	int			 server;	/* index of the server whose
						   slot we have; -1: none */
	int			 moved;		/* the result of slots_take; -1:
						   none yet */
	struct slots_server	 list[SERVERS_MAX];
	int			 count;
	bool			 here;		/* this process has viewers */
	bool			 fresh;		/* the server knows `here' */
	bool			 fresh_call;	/* the call under way sends
						   `here' */
	bool			 others;	/* other nodes have viewers */
	bool			 stop;		/* ask the other node to stop */
	/* What the other node's run is about: the hashes of the text and of the
	   instruction. */
	char			 theirs[2 * TEXT_HASH + 2];

	/* Used at the end of a run. */
	bool			 saving, committed;	/* the slot is released;
							   the server knows
							   that */
	struct answered		 all;
	int64_t			 versions, pause;
	int64_t			 again, again_pause;	/* earliest time of the
							   next save (clock_us),
							   and the pause after
							   it (ms) */
	bool			 saved;		/* saving has ended with `rc' */
	enum failure_code	 rc, code;
	bool			 done;		/* the run has ended */
};

/* Makes the next step begin a call at once. */
void runs_now(struct node *);

/*
 * A run that waits in the queue, or for another node, calls every few seconds.
 * Connecting takes twenty times as long as such a call.  So the lookup that
 * stays on this node (store/resident.h) makes it, and also the call that begins
 * a run, over its connection.  relay_start sends the call, and returns false if
 * there is no such lookup.  relay_step returns PG_DONE with the result in
 * n->store->result, or PG_FAILED if the lookup does not make the call: then it
 * is made over a connection of our own.  relay_end forgets the call.
 */
bool relay_start(struct node *, enum statement, const struct pg_args *);
enum pg_progress relay_step(struct node *, int64_t now);
void relay_end(struct node *);

/* Steps until a call has ended, up to `ms' milliseconds. */
void runs_wait(struct node *, int ms);

#endif
