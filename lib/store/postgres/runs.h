/*
 * A node among others: what lib/store/node.h and lib/store/slots.h have behind
 * them where the database is a server.  It is a row of TicketAIRuns, and calls
 * of the functions of sql/postgres/002_identity.sql, one at a time.
 */
#ifndef RUNS_H
#define RUNS_H

#include "base/limit.h"
#include "store/node.h"
#include "store/postgres/pg.h"
#include "store/slots.h"

/* What is on its way to the server. */
enum runs_call {
	CALL_NONE, CALL_BEGIN, CALL_RENEW, CALL_SAVE, CALL_WATCH, CALL_STOP,
	CALL_END
};

/* What is to become of a run that is ours. */
enum runs_want { WANT_QUEUED, WANT_RUNNING, WANT_MOVE, WANT_SAVING };

struct node {
	struct node_wish	 wish;
	struct store		*store;
	int			 epoll, fd;	/* that it holds; -1: none */
	char			 owner[PG_NAME];	/* of this try: a frozen
						   process and whatever follows
						   it must not pass for each
						   other */
	char			 machine[65];
	enum node_state		 state;
	int64_t			 run, session;	/* ours, or the other node's */
	enum frame_state	 shows;
	enum failure_code	 failure;
	bool			 asked;		/* slots_try has been here */

	enum runs_call		 call;
	int64_t			 until;		/* of the call; CLOCK_NEVER
						   while it connects */
	int64_t			 next;		/* call, not before */
	int64_t			 away;		/* since when none is answered;
						   0: all are */
	int			 begun;		/* how often it was lost, */
	bool			 lost;		/* and not begun again yet */

	/* Of a run that is ours. */
	enum runs_want		 want;
	enum runs_want		 wanted;	/* by the call */
	int			 place, most;	/* in the queue */
	int			 server;	/* whose slot it has; -1 */
	int			 moved;		/* as slots_take; -1 */
	struct slots_server	 list[SERVERS_MAX];
	int			 count;
	bool			 here;		/* viewers, */
	bool			 fresh;		/* which the server knows; */
	bool			 fresh_call;	/* and the call tells it */
	bool			 others;	/* on other nodes */
	bool			 stop;		/* the other's is to end */

	/* Of its end. */
	bool			 saving, committed;	/* no slot, and the
							   server knows */
	struct answered		 all;
	int64_t			 versions, pause;
	int64_t			 again, again_pause;	/* no save before, and
							   after the next */
	bool			 saved;		/* `rc' tells how */
	enum failure_code	 rc, code;
	bool			 done;		/* nothing of it is left */
};

/* Begins a call at the next step, at once. */
void runs_now(struct node *);

/* Steps until a call has ended, or for so many milliseconds. */
void runs_wait(struct node *, int ms);

#endif
