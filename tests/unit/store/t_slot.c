/*
 * lib/store/slot and lib/store/slots: at most so many at a time on each server;
 * users take turns, then first come, first served; watched ones first; those
 * who die while waiting or running are skipped at once.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/limit.h"
#include "store/slot.h"
#include "t.h"

enum { N = 7 };

/* A generation: its place in the queue, its node, and the slots. */
struct generation {
	struct slot		 slot;
	struct node		*node;
	struct slots_server	 server;
};

static struct settings	settings;
static const char	*user;		/* the user of the next ones; NULL:
					   none */

static int
enter(struct generation *g, const char *run_dir, int slots)
{
	memset(g, 0, sizeof(*g));
	g->server.key = 7;
	g->server.slots = slots;
	(void)setenv("TICKETCHAT_RUN_DIR", run_dir, 1);
	if (settings.text[SETTING_RUN_DIR] == NULL &&
	    settings_load(&settings, NULL, 0) == -1)
		t_die(settings.error);
	if (node_open(&g->node, &(struct node_wish){
	    &settings, 1, 1, 0, 0, "", "", "", NULL }) != FAILURE_NONE)
		t_die("node_open");
	slot_user(&g->slot, user);
	return slot_enter(&g->slot, run_dir);
}

static int
try(struct generation *g, int max)
{
	return slot_try(&g->slot, g->node, &g->server, 1, max);
}

static void
leave(struct generation *g)
{
	slot_leave(&g->slot);
	node_close(g->node);
	g->node = NULL;
}

static void
look_is(const char *dir, int running, int waiting)
{
	int	r = -2, w = -2;

	check_int(slot_counts(dir, &r, &w), running == -1 ? -1 : 0);
	check_int(r, running);
	check_int(w, waiting);
}

static void
order(void)
{
	struct generation	s[N];
	int		i;

	for (i = 0; i < N; i++) {
		check_int(enter(&s[i], ".", 2), 0);
		check(s[i].slot.number > 0 && (i == 0 ||
		    s[i].slot.number > s[i - 1].slot.number));
	}
	row("not out of turn, though slots are free");
	check_int(try(&s[3], 99), 4);
	row("two get in");
	check_int(try(&s[0], 99), 0);
	check_int(try(&s[1], 99), 0);
	row("the others' positions");
	for (i = 2; i < N; i++)
		check_int(try(&s[i], 99), i - 1);
	row("a waiter goes");
	leave(&s[3]);
	check_int(try(&s[4], 99), 2);
	row("a slot is free: the head's alone");
	leave(&s[1]);
	check_int(try(&s[4], 99), 2);
	check_int(try(&s[2], 99), 0);
	check_int(try(&s[4], 99), 1);
	check_int(try(&s[6], 99), 3);
	for (i = 0; i < N; i++)
		leave(&s[i]);
	leave(&s[0]);
	row("a new one at an empty queue");
	check_int(enter(&s[0], ".", 1), 0);
	check_int(try(&s[0], 1), 0);
	leave(&s[0]);
	row("those ahead need not have taken theirs");
	for (i = 0; i < 4; i++)
		check_int(enter(&s[i], ".", 3), 0);
	check_int(try(&s[3], 9), 4);
	check_int(try(&s[2], 9), 0);
	check_int(try(&s[3], 9), 3);
	check_int(try(&s[1], 9), 0);
	check_int(try(&s[0], 9), 0);
	check_int(try(&s[3], 9), 1);
	for (i = 0; i < 4; i++)
		leave(&s[i]);
	row("never entered");
	memset(&s[0], 0, sizeof(s[0]));
	leave(&s[0]);
	check(fcntl(0, F_GETFD) != -1);
}

/* One more than may wait; those that wait already are not turned away. */
static void
full(void)
{
	struct generation	g[5];
	int			i;

	for (i = 0; i < 5; i++)
		check_int(enter(&g[i], ".", 1), 0);
	check_int(try(&g[0], 0), 0);
	row("who comes last is one too many, whoever looks first");
	check_int(try(&g[4], 2), SLOT_FULL);
	check_int(try(&g[3], 2), SLOT_FULL);
	check_int(try(&g[2], 2), 2);
	check_int(try(&g[1], 2), 1);
	check_int(try(&g[3], 2), SLOT_FULL);
	check_int(try(&g[2], 0), 2);
	row("also of a user whose turn is first");
	leave(&g[3]);
	user = "b";
	check_int(enter(&g[3], ".", 1), 0);
	check_int(try(&g[3], 2), SLOT_FULL);
	leave(&g[4]);
	check_int(try(&g[3], 2), SLOT_FULL);
	check_int(try(&g[3], 3), 1);
	row("one that does not wait for others' sake alone");
	for (i = 0; i < 4; i++)
		leave(&g[i]);
	check_int(enter(&g[0], ".", 1), 0);
	check_int(try(&g[0], 0), 0);
	leave(&g[0]);
	user = NULL;
}

/* The file with the counter may hold anything. */
static void
counter(void)
{
	static const int64_t	rows[] = { 0, -1, 41, INT64_MAX, INT64_MIN,
				    INT64_MAX / 2, (INT64_C(1) << 38) - 2,
				    (INT64_C(1) << 38) - 1, INT64_C(1) << 38 };
	struct generation	s, t;
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%lld", (long long)rows[i]);
		t_write("queue", (const char *)&rows[i], sizeof(rows[i]));
		check_int(enter(&s, ".", 1), 0);
		check(s.slot.number > 0 && s.slot.number < INT64_C(1) << 38);
		check_int(try(&s, 9), 0);
		leave(&s);
	}
	row("half a number");
	t_write("queue", "abc", 3);
	check_int(enter(&s, ".", 1), 0);
	check_int(try(&s, 9), 0);
	leave(&s);
	row("it is lost while one waits");
	t_write("queue", "", 0);
	check_int(enter(&s, ".", 0), 0);
	t_write("queue", "", 0);
	check_int(enter(&t, ".", 0), 0);
	check_int(try(&s, 9), 1);
	check_int(try(&t, 9), 2);
	leave(&s);
	leave(&t);
	row("no directory");
	check_int(enter(&s, "nothere", 1), -1);
	check_int(errno, ENOENT);
	leave(&s);
}

enum { MANY = 24 };

/*
 * Generations of users (one letter each) that came in this order.  One runs at
 * a time; all try again and again, the last ones first.
 */
static void
served(const char *users, const char *want)
{
	struct generation	g[MANY];
	char			got[MANY + 1] = "", name[2] = "";
	const int		n = (int)strlen(users);
	bool			gone[MANY] = { false };
	int			i, left, rc = 1, one;

	row("%s", users);
	for (i = 0; i < n; i++) {
		name[0] = users[i];
		user = name;
		check_int(enter(&g[i], ".", 1), 0);
		rc = try(&g[i], 99);
		check(rc == 0 || i > 0);
	}
	user = NULL;
	got[0] = users[0];
	gone[0] = true;
	leave(&g[0]);
	for (left = n - 1; left > 0; left--) {
		for (one = -1, i = n - 1; i >= 0; i--) {
			if (!gone[i] && (rc = try(&g[i], 99)) == 0 &&
			    one == -1)
				one = i;
			else if (!gone[i] && rc <= 0)
				fail("two at a time");
		}
		/* The next is the one that gets the slot at the first try. */
		for (i = 0; one == -1 && i < n; i++) {
			if (!gone[i] && try(&g[i], 99) == 0)
				one = i;
		}
		if (one == -1) {
			fail("nobody's turn");
			return;
		}
		got[n - left] = users[one];
		gone[one] = true;
		leave(&g[one]);
	}
	check_str(got, want);
}

/* Every user has one turn before anybody has a second. */
static void
turns(void)
{
	struct generation	a[10], b, c, d;
	int			i;

	served("aaa", "aaa");
	served("abc", "abc");
	served("aaaaaaaaaab", "abaaaaaaaaa");
	served("aaabbc", "abcaba");
	served("caaaab", "cabaaa");
	served("aabbccddeeff", "abcdefabcdef");
	served("aaaaaabbbbbbcd", "abcdabababab" "ab");
	row("positions");
	user = "c";
	check_int(enter(&c, ".", 1), 0);
	check_int(try(&c, 99), 0);
	user = "a";
	for (i = 0; i < 10; i++) {
		check_int(enter(&a[i], ".", 1), 0);
		check_int(try(&a[i], 99), i + 1);
	}
	user = "b";
	check_int(enter(&b, ".", 1), 0);
	check_int(try(&b, 99), 2);
	for (i = 0; i < 10; i++)
		check_int(try(&a[i], 99), i == 0 ? 1 : i + 2);
	row("one that runs is a turn too");
	leave(&c);
	check_int(try(&b, 99), 2);
	check_int(try(&a[0], 99), 0);
	for (i = 9; i > 0; i--)
		check_int(try(&a[i], 99), i + 1);
	check_int(try(&b, 99), 1);
	row("and it stays so when that one has ended, or died");
	leave(&a[0]);
	for (i = 9; i > 0; i--)
		check_int(try(&a[i], 99), i + 1);
	check_int(try(&b, 99), 0);
	row("who comes then is behind whose turn it is");
	check_int(try(&a[1], 99), 1);
	user = "d";
	check_int(enter(&d, ".", 1), 0);
	check_int(try(&d, 99), 2);
	check_int(try(&a[2], 99), 3);
	leave(&b);
	check_int(try(&d, 99), 2);
	check_int(try(&a[1], 99), 0);
	check_int(try(&d, 99), 1);
	row("it dies: its user's next one has its turn, not the place");
	leave(&a[1]);
	check_int(try(&a[2], 99), 2);
	leave(&d);
	check_int(try(&a[2], 99), 0);
	for (i = 2; i < 10; i++)
		leave(&a[i]);
	look_is(".", 0, 0);
	user = NULL;
}

/* Generations that somebody watches go before those that nobody watches. */
static void
watched(void)
{
	struct generation	c, a[3], b[3];
	int			i;

	user = "c";
	check_int(enter(&c, ".", 1), 0);
	check_int(try(&c, 99), 0);
	for (i = 0; i < 3; i++) {
		user = "a";
		check_int(enter(&a[i], ".", 1), 0);
		check_int(try(&a[i], 99), 2 * i + 1);
		user = "b";
		check_int(enter(&b[i], ".", 1), 0);
		check_int(try(&b[i], 99), 2 * i + 2);
	}
	row("all of a's are left");
	for (i = 0; i < 3; i++) {
		a[i].slot.unwatched = true;
		(void)try(&a[i], 99);
	}
	for (i = 0; i < 3; i++) {
		check_int(try(&b[i], 99), i + 1);
		check_int(try(&a[i], 99), i + 4);
	}
	row("somebody comes back to one");
	a[1].slot.unwatched = false;
	(void)try(&a[1], 99);
	check_int(try(&b[0], 99), 1);
	check_int(try(&a[1], 99), 2);
	check_int(try(&b[1], 99), 3);
	check_int(try(&b[2], 99), 4);
	check_int(try(&a[0], 99), 5);
	check_int(try(&a[2], 99), 6);
	row("and leaves it again");
	a[1].slot.unwatched = true;
	(void)try(&a[1], 99);
	check_int(try(&b[2], 99), 3);
	check_int(try(&a[0], 99), 4);
	row("one that was left alone keeps its place");
	b[0].slot.unwatched = true;
	check_int(try(&b[0], 99) > 3, true);
	b[0].slot.unwatched = false;
	(void)try(&b[0], 99);
	check_int(try(&b[0], 99), 1);
	row("but not for ever");
	a[0].slot.entered -= QUEUE_PATIENCE * INT64_C(1000);
	(void)try(&a[0], 99);
	check_int(try(&a[0], 99), 1);
	check_int(try(&b[0], 99), 2);
	row("nobody else is there: it need not wait");
	for (i = 0; i < 3; i++)
		leave(&b[i]);
	leave(&a[0]);
	leave(&c);
	check_int(try(&a[2], 99), 2);
	check_int(try(&a[1], 99), 0);
	leave(&a[1]);
	check_int(try(&a[2], 99), 0);
	leave(&a[2]);
	user = NULL;
}

/* Whatever comes and goes, each place has exactly one owner. */
static void
any(void)
{
	struct generation	g[MANY], c;
	bool			here[MANY] = { false };
	char			name[2] = "";
	uint32_t		r = 7;
	int			i, k, n, rc, at[MANY + 1], round;

	check_int(enter(&c, ".", 1), 0);
	check_int(try(&c, 99), 0);
	for (round = 0; round < 400; round++) {
		row("round %d", round);
		r = r * 1664525 + 1013904223;
		i = (int)(r >> 16) % MANY;
		name[0] = (char)('a' + (r >> 8) % 5);
		user = name;
		if (!here[i])
			check_int(enter(&g[i], ".", 1), 0);
		else if ((r >> 28) % 2 == 0)
			leave(&g[i]);
		else
			g[i].slot.unwatched = !g[i].slot.unwatched;
		here[i] = g[i].slot.number != 0 || !here[i];
		for (k = 0; k < 2; k++) {
			for (i = n = 0; i < MANY; i++) {
				if (here[i] && (rc = try(&g[i], 99)) <= 0)
					fail("out of turn");
				n += here[i];
			}
		}
		memset(at, 0, sizeof(at));
		for (i = 0; i < MANY; i++) {
			if (here[i] && (rc = try(&g[i], 99)) > 0 && rc <= n)
				at[rc]++;
		}
		for (i = 1; i <= n; i++)
			check_int(at[i], 1);
	}
	user = NULL;
	for (i = 0; i < MANY; i++) {
		if (here[i])
			leave(&g[i]);
	}
	leave(&c);
	look_is(".", 0, 0);
}

/* What the children of `crowd' share. */
struct shared {
	atomic_int		working, most, wrong;
	_Atomic int64_t		last;
};

static void
child(struct shared *sh, int generations)
{
	struct generation	s;
	int64_t		came;
	int		working, rc;

	if (enter(&s, ".", generations) == -1 || try(&s, 99) <= 0)
		_exit(1);
	came = s.slot.number;		/* its number, known after the first
					   try */
	while ((rc = try(&s, 99)) > 0)
		t_sleep_ms(1);
	if (rc == -1)
		_exit(2);
	working = atomic_fetch_add(&sh->working, 1) + 1;
	if (working > atomic_load(&sh->most))
		atomic_store(&sh->most, working);
	if (working > generations)
		atomic_fetch_add(&sh->wrong, 1);
	/* With several at a time, the order of these notes is not that of the
	   queue. */
	if (generations == 1 && came <= atomic_load(&sh->last))
		atomic_fetch_add(&sh->wrong, 1);
	atomic_store(&sh->last, came);
	t_sleep_ms(5);
	atomic_fetch_sub(&sh->working, 1);
	_exit(0);
}

/* 30 processes, 10 of which die while waiting. */
static void
crowd(int generations)
{
	struct shared	*sh;
	struct generation	 first[2];
	pid_t		 pid[30];
	int		 i;

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		t_die("mmap");
	row("%d at a time", generations);
	for (i = 0; i < generations; i++) {
		check_int(enter(&first[i], ".", generations), 0);
		check_int(try(&first[i], 9), 0);
	}
	for (i = 0; i < 30; i++) {
		if ((pid[i] = t_fork()) == 0) {
			/* Their copies of the descriptors would keep our places
			   locked. */
			for (i = 0; i < generations; i++)
				leave(&first[i]);
			child(sh, generations);
		}
	}
	t_sleep_ms(100);
	check_int(atomic_load(&sh->most), 0);
	for (i = 0; i < 30; i += 3)
		(void)kill(pid[i], SIGKILL);
	for (i = 0; i < generations; i++)
		leave(&first[i]);
	for (i = 0; i < 30; i++)
		check_int(t_wait(pid[i]), i % 3 == 0 ? 256 + SIGKILL : 0);
	check(atomic_load(&sh->most) >= 1);
	check_int(atomic_load(&sh->wrong), 0);
	(void)munmap(sh, sizeof(*sh));
}

static void
crowds(void)
{
	crowd(1);
	crowd(2);
}

/* A process that is killed releases its slot. */
static void
killed(void)
{
	struct generation	s;
	int		ready[2];
	char		c;
	pid_t		pid;

	if (pipe(ready) == -1)
		t_die("pipe");
	if ((pid = t_fork()) == 0) {
		if (enter(&s, ".", 1) == -1 || try(&s, 9) != 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		(void)pause();
		_exit(0);
	}
	check_int(read(ready[0], &c, 1), 1);
	check_int(enter(&s, ".", 1), 0);
	check_int(try(&s, 9), 1);
	(void)kill(pid, SIGKILL);
	check_int(t_wait(pid), 256 + SIGKILL);
	check_int(try(&s, 9), 0);
	leave(&s);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

/* Counting from outside the queue. */
static void
looks(void)
{
	struct generation	s[4];
	int		i;

	look_is(".", 0, 0);
	for (i = 0; i < 4; i++)
		check_int(enter(&s[i], ".", 2), 0);
	look_is(".", 0, 4);
	check_int(try(&s[0], 99), 0);
	check_int(try(&s[1], 99), 0);
	look_is(".", 2, 2);
	check_int(try(&s[2], 99), 1);
	leave(&s[0]);
	look_is(".", 1, 2);
	for (i = 0; i < 4; i++)
		leave(&s[i]);
	look_is(".", 0, 0);
	row("where there is nothing, nothing is made");
	look_is("none", 0, 0);
	check(mkdir("empty", 0700) == 0);
	look_is("empty", 0, 0);
	check(access("empty/slots", F_OK) == -1);
	row("what cannot be looked at");
	check(symlink("slots", "empty/slots") == 0);
	look_is("empty", -1, 0);
}

/* Several servers: the one with the smallest share in use is chosen. */
static void
shares(void)
{
	static const struct slots_server	list[] = {
		{ 1, 2, NULL }, { UINT64_MAX, 4, NULL }, { 3, 0, NULL },
		{ 4, 1, NULL },
	};
	static const struct slots_server	other[] = {
		{ 4, 1, NULL }, { 1, 2, NULL },
	};
	static const int	want[] = { 0, 1, 3, 1, 0, 1, 1 };
	struct generation	g[8];
	int			i;

	for (i = 0; i < 8; i++) {
		row("%d", i);
		check_int(enter(&g[i], ".", 0), 0);
		check_int(slot_try(&g[i].slot, g[i].node, list, 4, 99), i < 7 ?
		    0 : 1);
		check_int(g[i].slot.server, i < 7 ? want[i] : -1);
	}
	look_is(".", 7, 1);
	row("what is free is its server's, in any list");
	slots_release(g[2].node);
	check_int(slots_take(g[7].node, &list[1], 1, 0), -1);
	check_int(slots_take(g[7].node, other, 2, 1), -1);
	check_int(slots_take(g[7].node, other, 2, 0), 0);
	row("who has one changes it, or keeps it");
	slots_release(g[0].node);
	check_int(slots_take(g[7].node, list, 1, 1), -1);
	look_is(".", 6, 1);
	check_int(slots_take(g[7].node, list, 1, 0), 0);
	look_is(".", 6, 1);
	check_int(slots_take(g[2].node, &list[3], 1, 0), 0);
	check_int(slots_take(g[2].node, &list[3], 1, 0), 0);
	look_is(".", 7, 1);
	check_int(slots_take(g[0].node, &list[3], 1, 0), -1);
	for (i = 0; i < 8; i++)
		leave(&g[i]);
	look_is(".", 0, 0);
	row("no such directory");
	check_int(rmdir("away") == -1 && mkdir("away", 0700) == 0, true);
	settings_free(&settings);
	memset(&settings, 0, sizeof(settings));
	check_int(enter(&g[0], "away", 1), 0);
	check(unlink("away/queue") == 0 && rmdir("away") == 0);
	check_int(try(&g[0], 9), -2);
	check_str(node_error(g[0].node), "slots: No such file or directory");
	leave(&g[0]);
	settings_free(&settings);
	memset(&settings, 0, sizeof(settings));
}

/* A generation that turns to another server gets its old place. */
static void
place(void)
{
	struct generation	g[3];
	int			i;
	int64_t			number;

	for (i = 0; i < 3; i++)
		check_int(enter(&g[i], ".", 1), 0);
	check_int(try(&g[0], 9), 0);
	number = g[0].slot.number;
	check_int(try(&g[2], 9), 2);
	slots_release(g[0].node);
	check_int(slot_enter(&g[0].slot, "."), 0);
	check(g[0].slot.number == number);
	check_int(try(&g[2], 9), 3);
	check_int(try(&g[1], 9), 2);
	check_int(try(&g[0], 9), 0);
	row("also when the queue is full, and its file's lock was lost");
	slots_release(g[0].node);
	(void)close(g[0].slot.queue);
	g[0].slot.queue = -1;
	g[0].slot.byte = 0;
	check_int(slot_enter(&g[0].slot, "."), 0);
	check(g[0].slot.number == number);
	check_int(try(&g[2], 1), 3);
	check_int(try(&g[0], 0), 0);
	for (i = 0; i < 3; i++)
		leave(&g[i]);
}

int
main(void)
{
	t_begin();
	run(order);
	run(looks);
	run(shares);
	run(place);
	run(full);
	run(counter);
	run(turns);
	run(watched);
	run(any);
	run(crowds);
	run(killed);
	return t_end();
}
