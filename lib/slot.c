/*
 * The queue for slots.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "limit.h"
#include "lock.h"
#include "slot.h"

/*
 * `queue': byte 0 guards the counter, which the file holds; byte n is locked
 * by who drew number n.
 */

/* Draws the next number and locks its byte, under the guard. */
static int
draw(struct slot *s)
{
	int64_t	n = 0;

	if (pread(s->queue, &n, sizeof(n), 0) == -1)
		return -1;
	n = n < 0 || n > INT64_MAX / 2 ? 1 : n + 1;
	if (pwrite(s->queue, &n, sizeof(n), 0) != (ssize_t)sizeof(n) ||
	    lock_try(s->queue, n) != 1)
		return -1;
	s->number = n;
	return 0;
}

int
slot_enter(struct slot *s, const char *run_dir)
{
	int	rc = -1;

	if ((s->queue = lock_open(run_dir, "queue")) == -1)
		return -1;
	/* Nobody else draws this number, unless the counter was lost. */
	if (s->number != 0 && lock_try(s->queue, s->number) == 1)
		return 0;
	if (lock_wait(s->queue, 0, clock_us() +
	    STORE_TIMEOUT * INT64_C(1000)) == 1) {
		rc = draw(s);
		lock_release(s->queue, 0);
	}
	if (rc == -1)
		slot_leave(s);
	return rc;
}

int
slot_try(struct slot *s, struct node *node, const struct slots_server *list,
    int count, int enough)
{
	int	most = 0, ahead, i;

	for (i = 0; i < count; i++)
		most += list[i].slots;
	/* In this order: who goes from the queue to a slot is counted twice. */
	ahead = lock_count(s->queue, 1, s->number - 1,
	    enough > most ? enough : most);
	if (ahead == -1)
		return -1;
	s->server = slots_take(node, list, count, ahead);
	if (s->server == -1)
		return (ahead < enough ? ahead : enough) + 1;
	if (s->server < 0)
		return -2;
	(void)close(s->queue);	/* those behind move up */
	s->queue = -1;
	return 0;
}

/* Counts the bytes that are locked in a file, if it is there. */
static int
look(const char *run_dir, const char *name, int64_t first)
{
	char	path[PATH_MAX];
	int	fd, n;

	(void)snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return errno == ENOENT ? 0 : -1;
	n = lock_count(fd, first, INT64_MAX - 1, INT_MAX);
	(void)close(fd);
	return n;
}

int
slot_look(const char *run_dir, int *running, int *waiting)
{
	*running = look(run_dir, "slots", 0);
	*waiting = look(run_dir, "queue", 1);	/* 0 guards the counter */
	return *running == -1 || *waiting == -1 ? -1 : 0;
}

void
slot_leave(struct slot *s)
{
	int	saved = errno;

	if (s->queue > 0)
		(void)close(s->queue);
	s->queue = -1;
	s->number = 0;
	errno = saved;
}
