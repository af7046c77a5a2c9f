/*
 * The slots of the upstreams, counted over all nodes that share the database:
 * GENERATIONS per server, times the server's weight.  If the database is a
 * file, a slot is free again when the process that has it ends, in whatever
 * way; else when its lease expires.
 */
#ifndef SLOTS_H
#define SLOTS_H

#include <stdint.h>

#include "base/url.h"
#include "store/node.h"

struct slot;

struct slots_server {
	uint64_t		 key;	/* url_key */
	int			 slots;	/* its slots; 0: take none */
	const struct url	*url;	/* borrowed; url_name gives its name for
					   other machines */
};

/* Joins the queue; as slot_enter. */
int slots_enter(struct node *, struct slot *);

/* Tries to get a slot; as slot_try.  Returns SLOT_ASKING if the answer of the
   database is not known yet or the ticket is not ours. */
enum { SLOT_ASKING = -4 };
int slots_try(struct node *, struct slot *, const struct slots_server *,
    int count, int max);

/*
 * Takes a slot if more than `ahead' are free on all these servers together: on
 * the server with the smallest share in use, the first one among equals.  A
 * slot that the node has already counts as free, and is released when another
 * one was taken.  At most SERVERS_MAX servers.  Returns the server's index, -1
 * if there is no slot for us, or -2 on error (node_error); the node then has
 * what it had before.
 */
int slots_take(struct node *, const struct slots_server *, int count,
    int ahead);

/* Releases the slot, if there is one. */
void slots_release(struct node *);

/*
 * Counts the slots in use and the generations that wait.  Returns 0, or -1 with
 * the reason in `error'.
 */
int slots_counts(const struct settings *, int *running, int *waiting,
    char *error, size_t size);

#endif
