/*
 * lib/base/child: a program in the background.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "t.h"

static int
start(struct child *c, const char *script, const char *in, int ms)
{
	char	sh[] = "/bin/sh", option[] = "-c", text[512];
	char	*argv[] = { sh, option, text, NULL };
	char	path[] = "PATH=/usr/bin:/bin", *env[] = { path, NULL };

	(void)snprintf(text, sizeof(text), "%s", script);
	return child_start(c, argv, env, in, strlen(in), ms);
}

/* Polls it as chat does. */
static enum child_progress
wait_for(struct child *c)
{
	enum child_progress	rc;
	struct pollfd		p = { .fd = c->fd, .events = POLLIN };

	while ((rc = child_step(c, clock_us())) == CHILD_MORE)
		(void)poll(&p, 1, clock_poll(clock_us(), c->deadline));
	return rc;
}

static void
ends(void)
{
	static const struct {
		const char		*script, *in;
		int			 ms;
		size_t			 cap;
		enum child_progress	 progress;
		const char		*out;
	} rows[] = {
		{ "cat", "a question\n", 20000, 100, CHILD_ENDED,
		    "a question\n" },
		{ "cat", "", 20000, 100, CHILD_ENDED, "" },
		{ "cat; exit 7", "x", 20000, 100, CHILD_ENDED, "x" },
		{ "printf half; kill -9 $$", "", 20000, 100, CHILD_ENDED,
		    "half" },
		{ "exec >&-; exec sleep 600", "", 20000, 100, CHILD_ENDED,
		    "" },
		{ "cat", "12345678901", 20000, 10, CHILD_BROKEN, NULL },
		{ "yes", "", 20000, 100000, CHILD_BROKEN, NULL },
		{ "printf x; exec sleep 600", "", 50, 100, CHILD_LATE, "x" },
		{ "exec sleep 600", "", 50, 100, CHILD_LATE, "" },
		/* It inherits none of our descriptors, neither listener nor
		   lock. */
		{ "ls /proc/self/fd | wc -l | tr -d ' '", "", 20000, 100,
		    CHILD_ENDED, "4\n" },
	};
	struct child	c = { .fd = -1, .pidfd = -1 };
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].script);
		c.out.cap = rows[i].cap;
		if (!check_int(start(&c, rows[i].script, rows[i].in,
		    rows[i].ms), 0))
			continue;
		check_int(wait_for(&c), rows[i].progress);
		if (rows[i].out != NULL)
			check_str(c.out.data == NULL ? "" : c.out.data,
			    rows[i].out);
		child_end(&c);
		check_int(c.fd, -1);
	}
	row("twice is once");
	child_end(&c);
}

/* A killed child is gone, whether or not the kernel reaps our children. */
static void
leaves_nothing(void)
{
	static void	(*const ways[])(int) = { SIG_DFL, SIG_IGN };
	struct child	c = { .fd = -1, .pidfd = -1 };
	struct pollfd	p;
	size_t		i;
	int		copy;

	for (i = 0; i < 2; i++) {
		row("%zu", i);
		(void)signal(SIGCHLD, ways[i]);
		c.out.cap = 100;
		if (!check_int(start(&c, "exec sleep 600", "", 20000), 0))
			continue;
		copy = dup(c.pidfd);
		child_end(&c);
		p = (struct pollfd){ .fd = copy, .events = POLLIN };
		check_int(poll(&p, 1, 20000), 1);
		(void)close(copy);
		/* The action for SIGCHLD is as it was before. */
		check(signal(SIGCHLD, ways[i]) == ways[i]);
	}
	(void)signal(SIGCHLD, SIG_DFL);
}

static void
cannot(void)
{
	char		path[] = "/nothere", *argv[] = { path, NULL };
	char		*env[] = { NULL };
	struct child	c = { .fd = -1, .pidfd = -1, .out = BUF_INIT(1) };

	check_int(child_start(&c, argv, env, "", 0, 1000), -1);
	check_int(errno, ENOENT);
	check_int(c.fd, -1);
	child_end(&c);
}

/* How the program is started that lasts longer than whoever started it. */
enum way { RUN, START, SPAWN, DETACHED, WAYS };

/* In a process of its own, with the pipe as stderr, until it is killed. */
static void __attribute__((noreturn))
outlived(enum way way, int in, int out)
{
	char		sh[] = "/bin/sh", option[] = "-c";
	char		text[] = "echo begun >&2; read -r x <&0; echo $x >&2";
	char		last[] = "echo begun >&2; exec sleep 600";
	char		*argv[] = { sh, option, way == DETACHED ? text : last,
			    NULL };
	char		path[] = "PATH=/usr/bin:/bin", *env[] = { path, NULL };
	struct child	c = { .fd = -1, .pidfd = -1, .out = BUF_INIT(1) };
	struct buf	b = BUF_INIT(1);
	pid_t		pid;

	(void)dup2(out, STDERR_FILENO);
	(void)close(out);
	if (way == RUN)
		(void)child_run(argv, env, -1, false, &b);
	else if (way == START)
		(void)child_start(&c, argv, env, "", 0, 600000);
	else
		(void)child_spawn(&pid, "sh", argv, env, (int[]){ in, -1,
		    STDERR_FILENO }, 3, way == DETACHED);
	for (;;)
		(void)pause();
}

/* Reads a line of the pipe, "" at its end. */
static const char *
pipe_line(int fd)
{
	static char	text[64];
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	ssize_t		n = -1;

	if (poll(&p, 1, 60000) == 1)
		n = read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? "nothing" : text;
}

/* A program ends with whoever started it, unless it was started detached. */
static void
ends_with_its_parent(void)
{
	static const char	*const after[WAYS] = { "", "", "", "still\n" };
	int			 in[2], out[2], way;
	pid_t			 pid;

	for (way = RUN; way < WAYS; way++) {
		row("%d", way);
		if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
			t_die("pipe2");
		if ((pid = t_fork()) == 0)
			outlived((enum way)way, in[0], out[1]);
		(void)close(in[0]);
		(void)close(out[1]);
		check_str(pipe_line(out[0]), "begun\n");
		(void)kill(pid, SIGKILL);
		check_int(t_wait(pid), 256 + SIGKILL);
		if (way == DETACHED)
			check_int(write(in[1], "still\n", 6), 6);
		check_str(pipe_line(out[0]), after[way]);
		(void)close(in[1]);
		(void)close(out[0]);
	}
}

/* Whoever began too late to be killed with its parent ends by itself. */
static void
parent_is_gone(void)
{
	const pid_t	self = getpid();
	const pid_t	parents[] = { self, 1, self + 1, 0 };
	size_t		i;
	pid_t		pid;

	for (i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		row("%zu", i);
		if ((pid = t_fork()) == 0) {
			child_end_with(parents[i]);
			_exit(7);
		}
		check_int(t_wait(pid), i == 0 ? 7 : 127);
	}
}

int
main(void)
{
	t_begin();
	run(ends);
	run(leaves_nothing);
	run(cannot);
	run(ends_with_its_parent);
	run(parent_is_gone);
	return t_end();
}
