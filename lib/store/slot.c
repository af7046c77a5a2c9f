/*
 * The queue for slots: see slot.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "store/slot.h"

/*
 * The most places of the queue that are read: the largest QUEUE_MAX, and those
 * that have a slot.
 */
#define QUEUE_PLACES	8192

/*
 * The file `queue' holds a counter, guarded by a lock on byte 0.  Each place in
 * the queue is a lock on another byte, whose offset encodes everything about
 * the place: whether it runs (bit 62), its number, its user (21 bits of a hash;
 * users with the same bits share their turns), its state, and whether it lets
 * others go first.  The number is in the upper bits, because the kernel lists
 * locks roughly in the order of their offsets.
 */
enum { LATER = 1, STATE_SHIFT = 1, USER_SHIFT = 3, USER_BITS = 21,
    NUMBER_SHIFT = USER_SHIFT + USER_BITS, NUMBER_BITS = 38 };

#define RUNNING	(INT64_C(1) << (NUMBER_SHIFT + NUMBER_BITS))
#define NUMBER_MAX	((INT64_C(1) << NUMBER_BITS) - 1)

static int64_t
slot_byte(const struct slot *s, enum slot_state state, int64_t number,
    bool later)
{
	return (state == SLOT_RUNNING ? RUNNING : 0) |
	    number << NUMBER_SHIFT | (int64_t)s->user << USER_SHIFT |
	    (int64_t)state << STATE_SHIFT | (later ? LATER : 0);
}

static int64_t
slot_number_of(int64_t byte)
{
	return byte >> NUMBER_SHIFT & NUMBER_MAX;
}

static int
slot_user_of(int64_t byte)
{
	return (int)(byte >> USER_SHIFT & ((1 << USER_BITS) - 1));
}

static enum slot_state
slot_state_of(int64_t byte)
{
	return (enum slot_state)(byte >> STATE_SHIFT & 3);
}

/* Sorts places by user, and one user's places in the order in which they go:
   running before waiting, watched before unwatched, SLOT_FIRST first, then by
   number. */
static int
slot_compare(const void *x, const void *y)
{
	const int64_t	a = *(const int64_t *)x, b = *(const int64_t *)y;
	const int64_t key[][2] = {
		{ slot_user_of(a), slot_user_of(b) },
		{ a < RUNNING, b < RUNNING },
		{ a & LATER, b & LATER },
		{ slot_state_of(a) != SLOT_FIRST,
		    slot_state_of(b) != SLOT_FIRST },
		{ slot_number_of(a), slot_number_of(b) },
		{ a, b },
	};
	size_t		i = 0;

	while (i < 5 && key[i][0] == key[i][1])
		i++;
	return (key[i][0] > key[i][1]) - (key[i][0] < key[i][1]);
}

/* Whether a place is behind others of its user, or will be. */
static bool
slot_is_behind(int64_t byte, int round)
{
	return slot_state_of(byte) == SLOT_BEHIND ||
	    (slot_state_of(byte) == SLOT_NEW && round > 0);
}

/*
 * Whether `a' goes before `b'; a_round and b_round count the places of the same
 * user before each.
 */
static bool
slot_goes_before(int64_t a, int a_round, int64_t b, int b_round)
{
	const bool	a_behind = slot_is_behind(a, a_round);
	const bool	b_behind = slot_is_behind(b, b_round);

	if ((a & LATER) != (b & LATER))
		return (a & LATER) < (b & LATER);
	if (a_round != b_round)
		return a_round < b_round;
	if (a_behind != b_behind)
		return b_behind;
	return a < b;		/* the lower number first */
}

/* What our place looks like from the queue. */
struct slot_view {
	int	round;		/* places of our user before ours */
	int	ahead;		/* waiting places that go before ours */
	int	waiting;	/* others that are accepted in the queue */
};

/* Reads all places except those beyond QUEUE_PLACES. */
static int
slot_survey(const struct slot *s, struct slot_view *v)
{
	static int64_t	byte[QUEUE_PLACES + 1];
	static int	round[QUEUE_PLACES + 1];
	int		i, n;

	n = lock_list(s->queue, 1, INT64_MAX - 1, byte, QUEUE_PLACES);
	if (n == -1)
		return -1;
	byte[n++] = s->byte;
	qsort(byte, (size_t)n, sizeof(byte[0]), slot_compare);
	*v = (struct slot_view){ 0, 0, 0 };
	for (i = 0; i < n; i++) {
		round[i] = i > 0 && slot_user_of(byte[i]) ==
		    slot_user_of(byte[i - 1]) ? round[i - 1] + 1 : 0;
		if (byte[i] == s->byte)
			v->round = round[i];
	}
	for (i = 0; i < n; i++) {
		if (byte[i] >= RUNNING || byte[i] == s->byte)
			continue;
		v->ahead += slot_goes_before(byte[i], round[i], s->byte,
		    v->round);
		v->waiting += slot_state_of(byte[i]) != SLOT_NEW ||
		    byte[i] < s->byte;
	}
	return 0;
}

/*
 * Moves our place to another byte; for a moment holds both.  Returns as
 * lock_try.
 */
static int
slot_move_to(struct slot *s, enum slot_state state, int64_t number, bool later)
{
	const int64_t	byte = slot_byte(s, state, number, later);
	int		got;

	if (byte == s->byte)
		return 1;
	if ((got = lock_try(s->queue, byte)) != 1)
		return got;
	if (s->byte != 0)
		lock_release(s->queue, s->byte);
	s->byte = byte;
	s->state = state;
	s->number = number;
	return 1;
}

/* As slot_move_to, but returns 0, or -1 with errno: only we have our number. */
static int
slot_move(struct slot *s, enum slot_state state, int64_t number, bool later)
{
	int	got = slot_move_to(s, state, number, later);

	if (got == 0)
		errno = EAGAIN;
	return got == 1 ? 0 : -1;
}

/*
 * With the guard: draws the next number and moves there.  Returns as lock_try.
 */
static int
slot_draw_guarded(struct slot *s, enum slot_state state, bool later)
{
	int64_t	n = 0;

	if (pread(s->queue, &n, sizeof(n), 0) == -1)
		return -1;
	n = n < 0 || n >= NUMBER_MAX ? 1 : n + 1;
	if (pwrite(s->queue, &n, sizeof(n), 0) != (ssize_t)sizeof(n))
		return -1;
	return slot_move_to(s, state, n, later);
}

/*
 * Moves to a new place at the end of the queue.  Returns 0, or -1 with errno.
 */
static int
slot_draw(struct slot *s, enum slot_state state, bool later)
{
	int	i, got;

	got = lock_wait(s->queue, 0, clock_us() +
	    STORE_TIMEOUT * INT64_C(1000));
	if (got == 1) {
		got = 0;
		/* A number is in use only if the counter was lost. */
		for (i = 0; got == 0 && i < QUEUE_PLACES; i++)
			got = slot_draw_guarded(s, state, later);
		lock_release(s->queue, 0);
	}
	if (got == 0)
		errno = EAGAIN;
	return got == 1 ? 0 : -1;
}

void
slot_user(struct slot *s, const char *hash)
{
	char	digits[8];

	(void)snprintf(digits, sizeof(digits), "%s", hash == NULL ? "" : hash);
	s->user = (unsigned)strtoul(digits, NULL, 16) & ((1U << USER_BITS) - 1);
}

int
slot_enter(struct slot *s, const char *run_dir)
{
	int	rc;

	if (s->queue <= 0 && (s->queue = lock_open(run_dir, "queue")) == -1)
		return -1;
	if (s->entered == 0)
		s->entered = clock_us();
	/* The number is still ours, unless the counter was lost. */
	if (s->number != 0 && slot_move(s, SLOT_FIRST, s->number, false) == 0)
		return 0;
	if ((rc = slot_draw(s, SLOT_NEW, false)) == -1)
		slot_leave(s);
	return rc;
}

/*
 * Marks our place as running.  If that fails, leaves the queue, so that this
 * generation does not count for its user's turns.
 */
static void
slot_mark_running(struct slot *s)
{
	if (slot_move(s, SLOT_RUNNING, s->number, false) == 0)
		return;
	(void)close(s->queue);	/* those behind us move up */
	s->queue = -1;
	s->byte = 0;
}

int
slot_try(struct slot *s, struct node *node, const struct slots_server *list,
    int count, int max)
{
	const bool	later = s->unwatched && clock_us() <
			    s->entered + QUEUE_PATIENCE * INT64_C(1000);
	struct slot_view	v;

	/* Keep this order: a generation that moves from the queue to a slot is
	   then counted twice rather than not at all. */
	if (slot_move(s, s->state, s->number, later) == -1 || slot_survey(s,
	    &v) == -1)
		return -1;
	s->server = slots_take(node, list, count, v.ahead);
	if (s->server >= 0) {
		slot_mark_running(s);
		return 0;
	}
	if (s->server != -1)
		return -2;
	if (s->state == SLOT_NEW && v.waiting >= max)
		return SLOT_FULL;
	if (s->state == SLOT_NEW && slot_move(s, v.round == 0 ? SLOT_FIRST :
	    SLOT_BEHIND, s->number, later) == -1)
		return -1;
	if (s->state == SLOT_BEHIND && v.round == 0 && slot_draw(s, SLOT_FIRST,
	    later) == -1)
		return -1;
	return v.ahead + 1;
}

/* Counts the locked bytes of a file; 0 if the file does not exist. */
static int
slot_count(const char *run_dir, const char *name, int64_t first, int64_t last)
{
	char	path[PATH_MAX];
	int	fd, n;

	(void)snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return errno == ENOENT ? 0 : -1;
	n = lock_count(fd, first, last, INT_MAX);
	(void)close(fd);
	return n;
}

int
slot_counts(const char *run_dir, int *running, int *waiting)
{
	*running = slot_count(run_dir, "slots", 0, INT64_MAX - 1);
	*waiting = slot_count(run_dir, "queue", 1, RUNNING - 1);
	return *running == -1 || *waiting == -1 ? -1 : 0;
}

void
slot_leave(struct slot *s)
{
	int	saved = errno;

	if (s->queue > 0)
		(void)close(s->queue);
	s->queue = -1;
	s->number = s->byte = 0;
	errno = saved;
}
