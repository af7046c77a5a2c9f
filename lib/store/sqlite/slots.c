/*
 * Slots as byte locks in RUN_DIR/slots: a dead process releases its slot at
 * once.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/lock.h"
#include "store/slot.h"
#include "store/sqlite/alone.h"

/*
 * The bytes of a server begin at an offset made from its key, so they do not
 * depend on the rest of the list.  RANGE is enough for the largest GENERATIONS
 * and weight.
 */
enum { RANGE = 1 << 17 };

static int64_t
db_slots_first(const struct slots_server *s)
{
	return (int64_t)(s->key % (UINT64_C(1) << 45)) * RANGE;
}

/*
 * Counts the slots in use per server.  Returns how many are free in all, or -1.
 */
static int
db_slots_count(int fd, const struct slots_server *list, int count, int *taken)
{
	int64_t	first;
	int	i, left = 0;

	for (i = 0; i < count; i++) {
		first = db_slots_first(&list[i]);
		taken[i] = lock_count(fd, first, first + list[i].slots - 1,
		    list[i].slots);
		if (taken[i] == -1)
			return -1;
		left += list[i].slots - taken[i];
	}
	return left;
}

/* The server with the smallest share of its slots in use; -1: all are full. */
static int
db_slots_emptiest(const struct slots_server *list, int count, const int *taken)
{
	int	best = -1, i;

	for (i = 0; i < count; i++) {
		if (taken[i] < list[i].slots && (best == -1 ||
		    (int64_t)taken[i] * list[best].slots <
		    (int64_t)taken[best] * list[i].slots))
			best = i;
	}
	return best;
}

/*
 * Takes a slot of a server.  Returns 1 if taken, 0 if others were quicker, or
 * -1 with errno.
 */
static int
db_slots_take(struct node *n, const struct slots_server *s)
{
	const int64_t	first = db_slots_first(s);
	int64_t		byte;
	int		got = 0;

	for (byte = first; got == 0 && byte < first + s->slots; byte++)
		got = lock_try(n->slots, byte);
	if (got != 1)
		return got;
	byte--;
	if (n->slot != -1 && n->slot != byte)
		lock_release(n->slots, n->slot);
	n->slot = byte;
	return 1;
}

int
slots_take(struct node *n, const struct slots_server *list, int count,
    int ahead)
{
	int	taken[SERVERS_MAX], i, left, got = 0;

	if ((n->slots == -1 && (n->slots = lock_open(
	    n->settings->text[SETTING_RUN_DIR], "slots")) == -1) ||
	    (left = db_slots_count(n->slots, list, count, taken)) == -1)
		goto error;
	while (left > ahead && (i = db_slots_emptiest(list, count, taken)) !=
	    -1) {
		if ((got = db_slots_take(n, &list[i])) == 1)
			return i;
		if (got == -1)
			goto error;
		taken[i] = list[i].slots;
	}
	return -1;
error:
	(void)snprintf(n->error, sizeof(n->error), "slots: %s",
	    strerror(errno));
	return -2;
}

void
slots_release(struct node *n)
{
	if (n->slots != -1)
		(void)close(n->slots);
	n->slots = -1;
	n->slot = -1;
}

int
slots_enter(struct node *n, struct slot *s)
{
	return slot_enter(s, n->settings->text[SETTING_RUN_DIR]);
}

int
slots_try(struct node *n, struct slot *s, const struct slots_server *list,
    int count, int max)
{
	return slot_try(s, n, list, count, max);
}

int
slots_counts(const struct settings *s, int *running, int *waiting, char *error,
    size_t size)
{
	const char	*run_dir = s->text[SETTING_RUN_DIR];

	if (slot_counts(run_dir, running, waiting) == 0)
		return 0;
	(void)snprintf(error, size, "RUN_DIR=%s: %s", run_dir,
	    strerror(errno));
	return -1;
}
