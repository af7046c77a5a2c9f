/*
 * lib/base/child: a program in the background.
 */
#include <errno.h>
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

int
main(void)
{
	t_begin();
	run(ends);
	run(leaves_nothing);
	run(cannot);
	return t_end();
}
