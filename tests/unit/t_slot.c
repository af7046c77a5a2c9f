/*
 * lib/slot and lib/slots: at most so many at a time, of each server; first
 * come, first served; who died while waiting or working is passed over at once.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "limit.h"
#include "slot.h"
#include "t.h"

enum { N = 7 };

/* A generation: its place, its node, and the slots that there are. */
struct generation {
	struct slot		 slot;
	struct node		*node;
	struct slots_server	 server;
};

static struct settings	settings;

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
	if (node_open(&g->node, &settings, 1, 1, NULL) != FAILURE_NONE)
		t_die("node_open");
	return slot_enter(&g->slot, run_dir);
}

static int
try(struct generation *g, int enough)
{
	return slot_try(&g->slot, g->node, &g->server, 1, enough);
}

static void
leave(struct generation *g)
{
	slot_leave(&g->slot);
	node_close(g->node);
	g->node = NULL;
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
	row("counted as far as is wanted");
	check_int(try(&s[6], 3), 4);
	check_int(try(&s[6], 4), 5);
	check_int(try(&s[6], 1), 2);
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
	check_int(try(&s[3], 1), 2);
	check_int(try(&s[2], 1), 0);
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

/* The counter's file may hold anything. */
static void
counter(void)
{
	static const int64_t	rows[] = { 0, -1, 41, INT64_MAX, INT64_MIN,
				    INT64_MAX / 2 };
	struct generation		s;
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%lld", (long long)rows[i]);
		t_write("queue", (const char *)&rows[i], sizeof(rows[i]));
		check_int(enter(&s, ".", 1), 0);
		check(s.slot.number > 0 && s.slot.number <= INT64_MAX / 2 + 1);
		check_int(try(&s, 9), 0);
		leave(&s);
	}
	row("half a number");
	t_write("queue", "abc", 3);
	check_int(enter(&s, ".", 1), 0);
	check_int(try(&s, 9), 0);
	leave(&s);
	row("no directory");
	check_int(enter(&s, "nothere", 1), -1);
	check_int(errno, ENOENT);
	leave(&s);
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
	int		working, rc;

	if (enter(&s, ".", generations) == -1)
		_exit(1);
	while ((rc = try(&s, 99)) > 0)
		t_sleep_ms(1);
	if (rc == -1)
		_exit(2);
	working = atomic_fetch_add(&sh->working, 1) + 1;
	if (working > atomic_load(&sh->most))
		atomic_store(&sh->most, working);
	if (working > generations)
		atomic_fetch_add(&sh->wrong, 1);
	/* Where several work, who notes it first is not who came first. */
	if (generations == 1 && s.slot.number <= atomic_load(&sh->last))
		atomic_fetch_add(&sh->wrong, 1);
	atomic_store(&sh->last, s.slot.number);
	t_sleep_ms(5);
	atomic_fetch_sub(&sh->working, 1);
	_exit(0);
}

/* 30 processes, of which 10 die waiting. */
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
	t_write("queue", "", 0);
	row("%d at a time", generations);
	for (i = 0; i < generations; i++) {
		check_int(enter(&first[i], ".", generations), 0);
		check_int(try(&first[i], 9), 0);
	}
	for (i = 0; i < 30; i++) {
		if ((pid[i] = t_fork()) == 0) {
			/* Their copies would keep ours alive. */
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

/* Who holds a slot and is killed gives it up. */
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

static void
look_is(const char *dir, int running, int waiting)
{
	int	r = -2, w = -2;

	check_int(slot_look(dir, &r, &w), running == -1 ? -1 : 0);
	check_int(r, running);
	check_int(w, waiting);
}

/* Somebody looks at them from outside. */
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

/* Several servers: the one of which the smallest share is taken. */
static void
shares(void)
{
	static const struct slots_server	list[] = {
		{ 1, 2 }, { UINT64_MAX, 4 }, { 3, 0 }, { 4, 1 },
	};
	static const struct slots_server	other[] = { { 4, 1 },
						    { 1, 2 } };
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

/* Who turns to another server has its place again. */
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
	row("somebody else has it");
	slots_release(g[0].node);
	g[0].slot.number = g[2].slot.number;
	check_int(slot_enter(&g[0].slot, "."), 0);
	check_int(try(&g[0], 9), 3);
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
	run(counter);
	run(crowds);
	run(killed);
	return t_end();
}
