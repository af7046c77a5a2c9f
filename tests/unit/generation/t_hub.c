/*
 * lib/generation/hub: all followers get every byte in order, late ones from the
 * beginning; slow ones delay nobody; what followers send is understood.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/limit.h"
#include "generation/generation.h"
#include "generation/hub.h"
#include "t.h"

#define T(n)	(&(const struct subject){ .ticket = (n) })

static void
begin(struct hub *h)
{
	if (hub_init(h, 8 << 20) == -1)
		t_die("hub_init");
}

/* Adds a follower over a socketpair; returns the other end, non-blocking. */
static int
follow(struct hub *h)
{
	int	sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    sv) == -1)
		t_die("socketpair");
	check_int(hub_add(h, sv[1], false), 0);
	return sv[0];
}

static void
frames(struct hub *h, const char *text)
{
	if (buf_puts(&h->frames, text) == -1)
		t_die("buf");
}

static void
say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		t_die("write");
}

/* Reads and checks what has arrived. */
static void
got(int fd, const char *want)
{
	char	data[4096];
	ssize_t	n = read(fd, data, sizeof(data));

	check_mem(data, n < 0 ? 0 : (size_t)n, want, strlen(want));
}

static bool
is_gone(int fd)
{
	char	c;

	return read(fd, &c, 1) == 0 || errno == ECONNRESET;
}

/* Whether a poll of the hub would return at once. */
static bool
is_ready(const struct hub *h)
{
	struct pollfd	p = { h->epoll, POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

static void
everything(void)
{
	struct hub	h;
	int		a, b, c;

	begin(&h);
	check(!h.met && hub_drained(&h));
	(void)snprintf(h.first, sizeof(h.first), "first\n");
	a = follow(&h);
	check(h.met && h.count == 1);
	hub_write(&h);
	got(a, "first\n");
	frames(&h, "one\n");
	hub_write(&h);
	got(a, "one\n");
	row("a late one");
	frames(&h, "two\n");
	b = follow(&h);
	hub_write(&h);
	got(a, "two\n");
	got(b, "first\none\ntwo\n");
	check(hub_drained(&h));
	row("after the last");
	c = follow(&h);
	check(!hub_drained(&h));
	hub_step(&h, clock_us());
	hub_write(&h);
	got(c, "first\none\ntwo\n");
	check(hub_drained(&h));
	hub_write(&h);
	got(a, "");
	row("one goes");
	(void)close(b);
	hub_step(&h, clock_us());
	check_int(h.count, 2);
	frames(&h, "three\n");
	hub_write(&h);
	got(a, "three\n");
	got(c, "three\n");
	row("one goes while it is written to");
	(void)close(a);
	frames(&h, "four\n");
	hub_write(&h);
	check_int(h.count, 1);
	got(c, "four\n");
	hub_free(&h);
	check(is_gone(c));
	(void)close(c);
}

static void
status(struct hub *h, const char *line)
{
	hub_status(h, line, strlen(line), true);
}

/* Status lines: only the newest, between two frames, once for each follower. */
static void
statuses(void)
{
	struct hub	h;
	char		longest[200];
	int		a, b;

	begin(&h);
	(void)snprintf(h.first, sizeof(h.first), "first\n");
	a = follow(&h);
	status(&h, "s1\n");
	check(!hub_drained(&h));
	hub_write(&h);
	got(a, "first\ns1\n");
	status(&h, "s2\n");
	status(&h, "s3\n");
	frames(&h, "one\n");
	hub_write(&h);
	got(a, "s3\none\n");
	row("late: the newest only");
	b = follow(&h);
	hub_write(&h);
	got(b, "first\ns3\none\n");
	hub_write(&h);
	got(a, "");
	row("not within a frame");
	frames(&h, "tw");
	hub_write(&h);
	got(a, "tw");
	status(&h, "s4\n");
	hub_write(&h);
	got(a, "");
	frames(&h, "o\n");
	hub_step(&h, clock_us());
	hub_write(&h);
	got(a, "o\ns4\n");
	frames(&h, "three\n");
	hub_write(&h);
	got(b, "two\ns4\nthree\n");
	row("too long for one");
	memset(longest, 'x', sizeof(longest));
	hub_status(&h, longest, sizeof(longest), true);
	hub_write(&h);
	check(hub_drained(&h));
	(void)close(a);
	(void)close(b);
	hub_free(&h);
}

/* Followers that have everything get a line every few seconds; slow readers and
   a filter's output do not. */
static void
beats(void)
{
	const int64_t	pause = ALIVE_PAUSE * INT64_C(1000);
	int64_t		now = clock_us();
	struct hub	h;
	int		a, b, turn;

	begin(&h);
	check_int(hub_deadline(&h), CLOCK_NEVER);
	(void)snprintf(h.first, sizeof(h.first), "first\n");
	(void)snprintf(h.alive, sizeof(h.alive), "alive\n");
	hub_step(&h, now);
	check_int(hub_deadline(&h), CLOCK_NEVER);	/* no follower */
	a = follow(&h);
	hub_step(&h, now);
	hub_write(&h);
	got(a, "first\n");
	check_int(hub_deadline(&h), now + pause);
	row("in silence");
	for (turn = 0; turn < 3; turn++) {
		hub_step(&h, now + pause - 1);
		hub_write(&h);
		got(a, "");
		now = hub_deadline(&h);
		hub_step(&h, now);
		hub_write(&h);
		got(a, "alive\n");
		check(hub_drained(&h));
	}
	row("a frame, a status: said enough");
	for (turn = 0; turn < 2; turn++) {
		if (turn == 0)
			frames(&h, "one\n");
		else
			status(&h, "s\n");
		now += pause - 1;
		hub_step(&h, now);
		hub_write(&h);
		got(a, turn == 0 ? "one\n" : "s\n");
		now += pause - 1;
		hub_step(&h, now);
		hub_write(&h);
		got(a, "");
		hub_step(&h, ++now);
		hub_write(&h);
		got(a, "alive\n");
	}
	row("who has just come has heard the first line");
	b = follow(&h);
	now += pause;
	hub_step(&h, now);
	hub_write(&h);
	got(a, "alive\n");
	got(b, "first\ns\none\n");
	now += pause;
	hub_step(&h, now);
	hub_write(&h);
	got(b, "alive\n");
	row("at the end of all");
	h.alive[0] = '\0';
	check_int(hub_deadline(&h), CLOCK_NEVER);
	hub_step(&h, now + 10 * pause);
	hub_write(&h);
	got(a, "alive\n");
	got(a, "");
	(void)close(a);
	(void)close(b);
	hub_free(&h);
}

/* Appends lines that contain their position, up to len bytes in all. */
static void
many(struct hub *h, size_t len)
{
	char	line[24];

	while (h->frames.len < len) {
		(void)snprintf(line, sizeof(line), "%09zu\n", h->frames.len);
		frames(h, line);
	}
}

/*
 * Reads what has arrived.  Returns how many bytes of the frames have arrived so
 * far.
 */
static size_t
take(struct hub *h, int fd, size_t had)
{
	static char	data[100000];
	ssize_t		n;

	while ((n = read(fd, data, sizeof(data))) > 0) {
		if (had + (size_t)n > h->frames.len ||
		    memcmp(data, h->frames.data + had, (size_t)n) != 0) {
			fail("not the bytes of the frames");
			return SIZE_MAX / 2;
		}
		had += (size_t)n;
	}
	return had;
}

static void
slow(void)
{
	struct hub	h;
	size_t		had_a = 0, had_b = 0, turns;
	int		a, b;

	begin(&h);
	a = follow(&h);
	b = follow(&h);
	/* b does not read while a gets everything. */
	for (turns = 0; turns < 2000 && had_a < (2 << 20); turns++) {
		many(&h, turns * 5000 < (2 << 20) ? turns * 5000 : 2 << 20);
		hub_step(&h, clock_us());
		hub_write(&h);
		had_a = take(&h, a, had_a);
	}
	check_int(had_a, h.frames.len);
	check(!hub_drained(&h));
	check_int(h.count, 2);
	row("who cannot be written to wakes nobody");
	hub_step(&h, clock_us());
	check(!is_ready(&h));
	row("now b reads, woken by the hub alone");
	status(&h, "");
	for (turns = 0; turns < 2000 && had_b < h.frames.len; turns++) {
		had_b = take(&h, b, had_b);
		if (had_b < h.frames.len)
			check(is_ready(&h));
		hub_step(&h, clock_us());
	}
	check_int(had_b, h.frames.len);
	row("a comes late, with everything there");
	(void)close(a);
	hub_step(&h, clock_us());
	a = follow(&h);
	had_a = 0;
	hub_write(&h);
	for (turns = 0; turns < 2000 && had_a < h.frames.len; turns++) {
		had_a = take(&h, a, had_a);
		hub_step(&h, clock_us());
	}
	check_int(had_a, h.frames.len);
	hub_write(&h);
	hub_step(&h, clock_us());
	check(hub_drained(&h));
	check(!is_ready(&h));
	(void)close(a);
	(void)close(b);
	hub_free(&h);
}

static void
stops(void)
{
	static const struct {
		const char	*one, *two;	/* sent in two turns */
		bool		 want;
	} rows[] = {
		{ "stop\n", "", true }, { "st", "op\n", true },
		{ "stop", "\n", true }, { "x\nstop\n", "", true },
		{ "\nstop\ny", "", true }, { "stop\nx", "\n", true },
		{ "123456789012345\n", "stop\n", true },
		{ "stop", "", false }, { "Stop\n", "", false },
		{ "stopp\n", "", false }, { "sto\n", "p\n", false },
		{ "\n", "", false }, { "{\"type\":\"stop\"}\n", "", false },
		{ "stop \n", "", false }, { "xstop\n", "", false },
	};
	struct hub	h;
	size_t		i;
	int		a;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s|%s", rows[i].one, rows[i].two);
		begin(&h);
		a = follow(&h);
		say(a, rows[i].one);
		hub_step(&h, clock_us());
		say(a, rows[i].two);
		hub_step(&h, clock_us());
		hub_step(&h, clock_us());
		hub_step(&h, clock_us());
		check_int(h.stop, rows[i].want);
		check_int(h.count, 1);
		(void)close(a);
		hub_free(&h);
	}
	row("said and gone, and only then written to");
	begin(&h);
	a = follow(&h);
	say(a, "stop\n");
	(void)close(a);
	frames(&h, "one\n");
	hub_write(&h);
	check(h.stop);
	check_int(h.count, 0);
	hub_free(&h);
}

/*
 * Whoever says that the service ends is not counted as a viewer, and learns the
 * process.
 */
static void
ends(void)
{
	static const struct {
		const char	*said;
		bool		 ending, terminate, gone;
	} rows[] = {
		{ "end\n", true, false, true },
		{ "x\nend\n", true, false, true },
		{ "end now\n", false, true, true },
		{ "end\nend now\n", true, true, true },
		{ "end", false, false, false },
		{ "End\n", false, false, false },
		{ "end \n", false, false, false },
		{ "endnow\n", false, false, false },
		{ "stop\n", false, false, false },
		{ "send\n", false, false, false },
	};
	struct hub	h;
	size_t		i;
	int		a, b;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].said);
		begin(&h);
		(void)snprintf(h.alive, sizeof(h.alive), "alive\n");
		frames(&h, "one\n");
		a = follow(&h);
		b = follow(&h);
		hub_write(&h);
		got(a, "one\n");
		say(b, rows[i].said);
		hub_step(&h, clock_us());
		check_int(h.ending, rows[i].ending);
		check_int(h.terminate, rows[i].terminate);
		check_int(h.count, rows[i].gone ? 1 : 2);
		got(b, rows[i].gone ? "one\nalive\n" : "one\n");
		frames(&h, "two\n");
		hub_write(&h);
		got(a, "two\n");
		(void)close(a);
		(void)close(b);
		hub_free(&h);
	}
}

static void
listens(void)
{
	struct hub	h;
	int		l, fd[3], late;

	begin(&h);
	(void)snprintf(h.first, sizeof(h.first), "first\n");
	l = generation_listen(".", T(42));
	check_int(hub_listen(&h, l), 0);
	check_int(generation_connect(".", T(42), &fd[0]), GENERATION_RUNNING);
	check_int(generation_connect(".", T(42), &fd[1]), GENERATION_RUNNING);
	check(is_ready(&h));
	hub_step(&h, clock_us());
	check_int(h.count, 2);
	frames(&h, "one\n");
	hub_write(&h);
	got(fd[0], "first\none\n");
	got(fd[1], "first\none\n");
	row("who waits as it closes is served");
	check_int(generation_connect(".", T(42), &fd[2]), GENERATION_RUNNING);
	hub_close_listener(&h);
	check_int(h.count, 3);
	check_int(h.listener, -1);
	check_int(generation_connect(".", T(42), &late), GENERATION_NONE);
	frames(&h, "done\n");
	hub_write(&h);
	got(fd[2], "first\none\ndone\n");
	got(fd[0], "done\n");
	hub_close_listener(&h);
	hub_step(&h, clock_us());
	check_int(h.count, 3);
	hub_free(&h);
	for (l = 0; l < 3; l++)
		(void)close(fd[l]);
}

/*
 * Without free descriptors no viewer is lost, and accept is not tried all the
 * time.
 */
static void
no_descriptors(void)
{
	struct rlimit	old, few;
	struct hub	h;
	int64_t		now = clock_us();
	int		l, fd;

	begin(&h);
	l = generation_listen(".", T(43));
	check_int(hub_listen(&h, l), 0);
	check_int(generation_connect(".", T(43), &fd), GENERATION_RUNNING);
	if (getrlimit(RLIMIT_NOFILE, &old) == -1)
		t_die("getrlimit");
	few = old;
	few.rlim_cur = (rlim_t)fd + 1;
	if (setrlimit(RLIMIT_NOFILE, &few) == -1)
		t_die("setrlimit");
	hub_step(&h, now);
	if (setrlimit(RLIMIT_NOFILE, &old) == -1)
		t_die("setrlimit");
	check_int(h.count, 0);
	check(h.accept_again > now && h.accept_again <= now + 1000000);
	check(!is_ready(&h));
	hub_step(&h, h.accept_again - 1);
	check_int(h.count, 0);
	check(!is_ready(&h));
	hub_step(&h, h.accept_again);
	check_int(h.accept_again, 0);
	check(is_ready(&h));
	hub_step(&h, clock_us());
	check_int(h.count, 1);
	(void)close(fd);
	hub_free(&h);
}

/* A hub that closes without free descriptors accepts nothing later. */
static void
closes_without_descriptors(void)
{
	struct rlimit	old, few;
	struct hub	h;
	int64_t		now = clock_us();
	int		l, fd, turn;

	if (getrlimit(RLIMIT_NOFILE, &old) == -1)
		t_die("getrlimit");
	for (turn = 0; turn < 3; turn++) {
		row("%s", turn == 0 ? "at the end" : turn == 1 ? "before too" :
		    "and closed twice");
		begin(&h);
		l = generation_listen(".", T(44));
		check_int(hub_listen(&h, l), 0);
		check_int(generation_connect(".", T(44), &fd),
		    GENERATION_RUNNING);
		few = old;
		few.rlim_cur = (rlim_t)fd + 1;
		if (setrlimit(RLIMIT_NOFILE, &few) == -1)
			t_die("setrlimit");
		if (turn > 0) {
			hub_step(&h, now);
			check(h.accept_again != 0);
		}
		hub_close_listener(&h);
		if (turn == 2)
			hub_close_listener(&h);
		if (setrlimit(RLIMIT_NOFILE, &old) == -1)
			t_die("setrlimit");
		check_int(h.accept_again, 0);
		hub_step(&h, now + 1000000);
		check_int(h.accept_again, 0);
		check(!is_ready(&h));
		(void)close(fd);
		hub_free(&h);
	}
}

static void
signals(void)
{
	static const int	which[] = { SIGTERM, SIGINT };
	struct hub		h;
	size_t			i;

	for (i = 0; i < 2; i++) {
		row("%d", which[i]);
		begin(&h);
		hub_step(&h, clock_us());
		check(!h.terminate);
		check(kill(getpid(), which[i]) == 0);
		check(is_ready(&h));
		hub_step(&h, clock_us());
		check(h.terminate);
		/* Once is enough: afterwards the hub is idle. */
		check(!is_ready(&h));
		hub_free(&h);
	}
}

/* A filter's standard output may block, be closed, or be a file. */
static void
plain(void)
{
	struct hub	h;
	size_t		had = 0, len;
	char		*text;
	int		fd[2], turns;

	row("a pipe");
	if (pipe(fd) == -1 || fcntl(fd[0], F_SETFL, O_NONBLOCK) == -1)
		t_die("pipe");
	begin(&h);
	check_int(hub_add(&h, fd[1], true), 0);
	many(&h, 300000);
	hub_write(&h);
	check(!hub_drained(&h));
	hub_step(&h, clock_us());
	check(!is_ready(&h));
	for (turns = 0; turns < 2000 && had < h.frames.len; turns++) {
		had = take(&h, fd[0], had);
		hub_step(&h, clock_us());
	}
	check_int(had, h.frames.len);
	check(hub_drained(&h));
	row("its reader goes");
	(void)close(fd[0]);
	hub_step(&h, clock_us());
	check_int(h.count, 0);
	hub_free(&h);
	row("a file");
	begin(&h);
	check_int(hub_add(&h, open("out", O_CREAT | O_WRONLY, 0600), true), 0);
	many(&h, 50000);
	hub_write(&h);
	check(hub_drained(&h));
	text = t_read("out", &len);
	check_mem(text, len, h.frames.data, h.frames.len);
	free(text);
	hub_free(&h);
}

/* Hundreds of followers come and go in any order. */
static void
crowd(void)
{
	enum { N = 400 };
	struct hub	h;
	size_t		had[N] = { 0 };
	int		fd[N], i, turn;

	begin(&h);
	for (i = 0; i < N; i++)
		fd[i] = -1;
	for (turn = 0; turn < 60; turn++) {
		for (i = 0; i < N; i++) {
			if (fd[i] == -1 && (i + turn) % 7 == 0) {
				fd[i] = follow(&h);
				had[i] = 0;
			} else if (fd[i] != -1 && (i * turn) % 23 == 1) {
				(void)close(fd[i]);
				fd[i] = -1;
			}
		}
		many(&h, (size_t)turn * 1000);
		hub_step(&h, clock_us());
		hub_write(&h);
		for (i = turn % 2; i < N; i += 2) {
			if (fd[i] != -1)
				had[i] = take(&h, fd[i], had[i]);
		}
	}
	for (turn = 0; turn < 20; turn++)
		hub_step(&h, clock_us());
	hub_write(&h);
	check(hub_drained(&h));
	for (i = 0, turn = 0; i < N; i++) {
		if (fd[i] == -1)
			continue;
		turn++;
		check_int(take(&h, fd[i], had[i]), h.frames.len);
		(void)close(fd[i]);
	}
	check_int(h.count, turn);
	hub_free(&h);
}

/*
 * Whoever needs another generation gets the rest of a line that was begun,
 * signs of life, and nothing else; it is no viewer, stops nothing, and is let
 * go.
 */
static void
asides(void)
{
	struct hub	h;
	int		a, b;

	begin(&h);
	(void)snprintf(h.first, sizeof(h.first), "first\n");
	(void)snprintf(h.alive, sizeof(h.alive), "alive\n");
	a = follow(&h);
	b = follow(&h);
	hub_write(&h);
	got(a, "first\n");
	got(b, "first\n");
	frames(&h, "half");
	hub_write(&h);
	got(b, "half");
	say(b, "wait\nwait\nstop\n");
	hub_step(&h, clock_us());
	check_int(hub_viewers(&h), 1);
	check_int(h.count, 2);
	check(!h.stop);
	frames(&h, " line\nnext\n");
	hub_status(&h, "status\n", 7, true);
	hub_write(&h);
	got(b, " line\n");
	got(a, "half line\nnext\nstatus\n");
	check(hub_drained(&h));
	hub_step(&h, clock_us() + 60000000);
	hub_step(&h, clock_us() + 120000000);
	hub_write(&h);
	got(b, "alive\n");
	row("it goes, and another one comes");
	(void)close(b);
	hub_step(&h, clock_us());
	check_int(hub_viewers(&h), 1);
	check_int(h.aside, 0);
	b = follow(&h);
	say(b, "wait\n");
	hub_step(&h, clock_us());
	hub_write(&h);
	got(b, "first\n");
	hub_dismiss(&h);
	check(is_gone(b));
	check_int(h.count, 1);
	check_int(h.aside, 0);
	hub_free(&h);
	(void)close(a);
	(void)close(b);
}

int
main(void)
{
	t_begin();
	run(everything);
	run(statuses);
	run(beats);
	run(slow);
	run(stops);
	run(ends);
	run(listens);
	run(no_descriptors);
	run(closes_without_descriptors);
	run(signals);
	run(plain);
	run(crowd);
	run(asides);
	return t_end();
}
