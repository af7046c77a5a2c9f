/*
 * The queue for the slots of lib/store/slots.h, shared by all generations on
 * this machine.  A place is a byte lock, so a dead process leaves the queue at
 * once.
 *
 * Users take turns.  A generation goes before those of users that have more
 * places before theirs; among equals, the one goes first that has been in this
 * position for longer.  So every user has a first turn before any user has a
 * second.  Watched generations go before unwatched ones, for QUEUE_PATIENCE at
 * most.  No generation waits for ever: a user's first place is never overtaken
 * by later ones, and the user's next place becomes the first when that one
 * ends.
 */
#ifndef SLOT_H
#define SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/slots.h"

enum slot_state {
	SLOT_NEW,	/* not accepted in the queue yet */
	SLOT_FIRST,	/* no other of its user before it */
	SLOT_BEHIND,	/* others of its user before it */
	SLOT_RUNNING	/* has a slot */
};

/* To be initialised with zeros. */
struct slot {
	int		 queue;		/* the lock file; 0 or -1: not open */
	unsigned	 user;		/* from slot_user; 0: nobody */
	bool		 unwatched;	/* set by the owner before slot_try: no
					   viewer waits */
	enum slot_state	 state;
	int64_t		 number;	/* of our place, increasing; 0: none */
	int64_t		 byte;		/* the locked byte; 0: none */
	int64_t		 entered;	/* clock_us: when it joined the queue */
	int		 server;	/* index of the server whose slot we
					   have */
};

/*
 * Sets the user in whose turn we wait, from a hash in hexadecimal digits; NULL:
 * nobody.
 */
void slot_user(struct slot *, const char *hash);

/*
 * Joins the queue.  A generation that had a slot before gets its old place.
 * Returns 0, or -1 with errno.
 */
int slot_enter(struct slot *, const char *run_dir);

/*
 * Tries to get a slot of one of these servers.  There must be a free slot for
 * each place ahead in the queue and one for us.  Returns 0 when the node has a
 * slot, else our position in the queue from 1 on; SLOT_FULL if we are not
 * accepted in the queue because `max' wait already; -1 with errno; or -2 as
 * slots_take.
 */
enum { SLOT_FULL = -3 };
int slot_try(struct slot *, struct node *, const struct slots_server *,
    int count, int max);

/*
 * Counts the slots in use and the generations that wait, without creating any
 * file.  Returns 0, or -1 with errno.
 */
int slot_counts(const char *run_dir, int *running, int *waiting);

/* Leaves the queue; the end of the process does the same. */
void slot_leave(struct slot *);

#endif
