/*
 * Passages that fit a ticket.
 */
#include <stdlib.h>
#include <string.h>

#include "knowledge/note.h"

void
notes_free(struct notes *n)
{
	size_t	i;

	for (i = 0; i < n->count; i++) {
		free(n->note[i].name);
		free(n->note[i].title);
		free(n->note[i].url);
		free(n->note[i].text);
	}
	memset(n, 0, sizeof(*n));
}
