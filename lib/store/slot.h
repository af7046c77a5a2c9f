/*
 * The queue in front of the slots of lib/store/slots.h, of all generations on
 * this machine.  A place is a byte lock: a dead process gives up its own at
 * once.
 *
 * Turns go by user.  A generation waits behind those of others of which fewer
 * of the same user wait or run before it; among equals whoever is so longer
 * goes first, so that every user has one turn before anybody has a second.
 * One that nobody watches lets all those go first that somebody watches, for
 * QUEUE_PATIENCE at most.  So nobody waits for ever: a user's first one is
 * passed by none that comes later, and the next one is the first when that one
 * has ended.
 */
#ifndef SLOT_H
#define SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/slots.h"

enum slot_state {
	SLOT_NEW,	/* looks whether it may wait */
	SLOT_FIRST,	/* its user has none before it; since its number */
	SLOT_BEHIND,	/* its user has others before it */
	SLOT_RUNNING	/* has got a slot */
};

/* All zero at first. */
struct slot {
	int		 queue;		/* the lock file; 0 or -1: not open */
	unsigned	 user;		/* slot_user; 0: nobody's */
	bool		 unwatched;	/* set by the owner before slot_try:
					   nobody waits for the answer */
	enum slot_state	 state;
	int64_t		 number;	/* of our place, growing; 0: none */
	int64_t		 byte;		/* that tells it all; 0: none */
	int64_t		 entered;	/* clock_us */
	int		 server;	/* whose slot we got: its index */
};

/* Whose turn it takes: of the hash, in hexadecimal digits; NULL: nobody's. */
void slot_user(struct slot *, const char *hash);

/*
 * Takes a place in the queue; one that has got a slot already takes the one
 * again that it had.  Returns 0, or -1 with errno.
 */
int slot_enter(struct slot *, const char *run_dir);

/*
 * Tries to get a slot of one of these servers: there must be one for each
 * that is ahead in the queue, and one more.  Returns 0 when the node has it,
 * our position in the queue from 1 on while it has not, SLOT_FULL if `max' wait
 * already and we have not been told a position yet, -1 with errno or -2 as
 * slots_take.
 */
enum { SLOT_FULL = -3 };
int slot_try(struct slot *, struct node *, const struct slots_server *,
    int count, int max);

/*
 * How many slots are taken and how many generations wait now, without taking
 * part: nothing is made where there is nothing yet.  Returns 0, or -1 with
 * errno.
 */
int slot_look(const char *run_dir, int *running, int *waiting);

/* Gives up the place; also at the end of the process. */
void slot_leave(struct slot *);

#endif
