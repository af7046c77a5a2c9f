/*
 * The queue in front of the slots of lib/slots.h, of all generations on this
 * machine: first come, first served.  A place is a byte lock: a dead process
 * gives up its own at once.
 */
#ifndef SLOT_H
#define SLOT_H

#include <stdint.h>

#include "slots.h"

/* All zero at first. */
struct slot {
	int	queue;		/* the lock file; 0 or -1: not open */
	int64_t	number;		/* our place in the queue, growing; 0: none */
	int	server;		/* whose slot we got: its index */
};

/*
 * Takes a place in the queue; who has got a slot already takes the one again
 * that it had.  Returns 0, or -1 with errno.
 */
int slot_enter(struct slot *, const char *run_dir);

/*
 * Tries to get a slot of one of these servers: there must be one for each who
 * is ahead in the queue, and one more.  Returns 0 when the node has it, our
 * position in the queue from 1 on (exact up to `enough') while it has not, -1
 * with errno or -2 as slots_take.
 */
int slot_try(struct slot *, struct node *, const struct slots_server *,
    int count, int enough);

/*
 * How many slots are taken and how many generations wait now, without taking
 * part: nothing is made where there is nothing yet.  Returns 0, or -1 with
 * errno.
 */
int slot_look(const char *run_dir, int *running, int *waiting);

/* Gives up the place; also at the end of the process. */
void slot_leave(struct slot *);

#endif
