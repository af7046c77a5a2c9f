/*
 * The slots of the model's servers, counted over all nodes that share the
 * database: GENERATIONS for each server, times its weight.  Where that is a
 * file they are free again when their holder ends, however it does, elsewhere
 * when its lease is over.
 */
#ifndef SLOTS_H
#define SLOTS_H

#include <stdint.h>

#include "base/url.h"
#include "store/node.h"

struct slot;

struct slots_server {
	uint64_t		 key;	/* url_key */
	int			 slots;	/* that it has; 0: none is wanted of
					   it */
	const struct url	*url;	/* borrowed: url_name tells what other
					   machines call it */
};

/* Takes a place in the queue, as slot_enter. */
int slots_enter(struct node *, struct slot *);

/* Tries to get a slot, as slot_try; SLOT_ASKING where it is not known yet, or
 * where the ticket is not ours. */
enum { SLOT_ASKING = -4 };
int slots_try(struct node *, struct slot *, const struct slots_server *,
    int count, int max);

/*
 * Takes a slot, if more than `ahead' are free in all of these servers together:
 * of the one of whose slots the smallest share is taken, the first of several.
 * A slot that the node has already counts as free and is given back once there
 * is another one.  At most SERVERS_MAX servers.  Returns the server's index, -1
 * if there is no slot for us, -2 on error (node_error); the node has what it
 * had then.
 */
int slots_take(struct node *, const struct slots_server *, int count,
    int ahead);

/* Gives the slot back, if there is one. */
void slots_release(struct node *);

/*
 * How many slots are taken and how many generations wait now.  Returns 0, or -1
 * with the reason in `error'.
 */
int slots_look(const struct settings *, int *running, int *waiting,
    char *error, size_t size);

#endif
