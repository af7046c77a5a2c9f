/*
 * The slots of the model's servers, counted over all nodes that share the
 * database: GENERATIONS for each server, times its weight.  They are free
 * again when their holder ends, however it does.
 */
#ifndef SLOTS_H
#define SLOTS_H

#include <stddef.h>

#include "node.h"

struct slots_server {
	const char	*name;	/* its address, without path; not ended by '\0' */
	size_t		 len;
	int		 slots;
};

/*
 * Takes a slot of the first of these servers that has a free one, if more
 * than `ahead' are free in all of them.  Returns its index, -1 if there is
 * none for us, -2 on error (node_error).
 */
int slots_take(struct node *, const struct slots_server *, int count,
    int ahead);

/* Gives the slot back. */
void slots_release(struct node *);

#endif
