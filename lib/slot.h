/*
 * The slots in front of Ollama: at most GENERATIONS at a time, the rest in a
 * queue, first come, first served.  Slots and places are byte locks: a dead
 * process gives up its own at once.
 */
#ifndef SLOT_H
#define SLOT_H

#include <stdint.h>

struct slot {
	int	slots, queue;	/* lock files; -1: not open */
	int64_t	number;		/* our place in the queue, growing; 0: none */
	int	generations;
};

/*
 * Takes a place in the queue.  Returns 0, or -1 with errno.
 */
int slot_enter(struct slot *, const char *run_dir, int generations);

/*
 * Tries to get a slot: there must be one for each who is ahead in the queue,
 * and one more.  Returns 0 when it is ours, our position in the queue from 1
 * on (exact up to `enough') while it is not, or -1 with errno.
 */
int slot_try(struct slot *, int enough);

/*
 * How many slots are taken and how many generations wait now, without taking
 * part: nothing is made where there is nothing yet.  Returns 0, or -1 with
 * errno.
 */
int slot_look(const char *run_dir, int *running, int *waiting);

/* Gives back the slot or the place; also at the end of the process. */
void slot_leave(struct slot *);

#endif
