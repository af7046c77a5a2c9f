/*
 * A node among others: what lib/node.h and lib/slots.h have behind them where
 * the database is a server.  All of it goes over one connection, whose end, for
 * whatever reason, gives the ticket and the slot back.
 */
#ifndef AMONG_H
#define AMONG_H

#include "node.h"
#include "pg.h"

/* What was sent to the server last and is not answered yet. */
enum among_sent { SENT_NOTHING, SENT_OPEN, SENT_TAKE, SENT_FRAMES };

struct node {
	const struct settings	*settings;
	struct node_taker	 taker;
	struct store		*store;
	int64_t			 ticket, session;
	int			 epoll;		/* holds the connection's fd */
	enum node_role		 role;
	int64_t			 run;		/* ours, or whose frames came;
						   0: none yet */
	int			 seq;		/* of the last frames */
	bool			 stopped, lost;
	int64_t			 due;		/* the next step */

	/* The owner's. */
	const struct buf	*frames;
	const char		*status;
	size_t			 told, telling;	/* of frames: in the table,
						   and on their way */
	char			 status_told[128];
	int64_t			 watched;	/* until when somebody is */
	enum among_sent		 sent;
	int64_t			 quiet;		/* when nothing was, last */
	bool			 connected;	/* and the ticket is ours */
	bool			 resetting;	/* connecting anew, */
	int64_t			 reset_by;	/* until then */
	int64_t			 away;		/* since when it is not
						   connected; 0: it is */
	int64_t			 next;		/* not to be sent before */
	int64_t			 given_up;	/* when a follower gives up */
	int64_t			 slot;		/* its lock; 0: none */

	/* The follower's. */
	int64_t			 join;		/* when to say again that we
						   are here, */
	bool			 stop;		/* and want an end */
	bool			 news;		/* there are new frames */
	bool			 entered;	/* and have looked at nothing */
	int64_t			 missing;	/* since when nobody has the
						   ticket; 0: somebody has */
};

/* Steps of the two roles. */
void owner_step(struct node *, int64_t now);
void follower_step(struct node *, int64_t now);

/* Makes the connection's descriptor the one that wakes us. */
void among_watch(struct node *);

/* Asks for the ticket, waiting for the answer; as ticket_take in
 * sql/postgres/002_identity.sql.  False with the reason in the store. */
bool among_take(struct node *, int64_t *run);

/* What ticket_take wants. */
void among_take_args(const struct node *, struct pg_args *);

/* Says a word to all who listen to the ticket. */
bool among_say(struct node *, const char *word);

#endif
