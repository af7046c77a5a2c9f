/*
 * Running programs of other people: fork(2) and execve(2), because a domain of
 * their own is not to be had from posix_spawn(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/utf8.h"
#include "hook/hook.h"
#include "hook/place.h"
#include "sandbox/harden.h"

/* The indexes of `fd'. */
enum { HOOK_PROCESS, HOOK_OUT, HOOK_SAID };

enum {
	HOOK_READS = 64,	/* reads of stderr in one step */
	HOOK_SWEEPS = 50,	/* looks whether all processes are gone */
	HOOK_SWEEP_MS = 2,	/* and the pause between two */
	HOOK_FILES = 1024,	/* descriptors of the program */
	HOOK_CANNOT = 127	/* exit code: execve failed */
};

/* The program's environment; `env' points into the others. */
struct hook_environment {
	char	 tmp[sizeof(((struct hook *)0)->place) + 8];
	char	 ticket[40], session[40], part[40], language[40];
	char	*env[8];
};

static const char *
hook_place_fault(struct hook *h, const struct settings *s)
{
	if (h->place[0] != '\0')
		return NULL;
	return place_make(s->text[SETTING_RUN_DIR], h->place, sizeof(h->place),
	    &h->lock) == 0 ? NULL : strerror(errno);
}

/* Adds NAME=value, unless the value is missing. */
static void
hook_variable(struct hook_environment *e, size_t *n, char *to, size_t size,
    const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	(void)snprintf(to, size, "%s=%s", name, value);
	e->env[(*n)++] = to;
}

/* The number as a text, "" for 0. */
static const char *
hook_number(char *to, size_t size, int64_t n)
{
	(void)snprintf(to, size, n == 0 ? "%.0s" : "%s%" PRId64, "", n);
	return to;
}

static void
hook_fill_environment(struct hook_environment *e, const struct hook *h,
    const struct hook_call *c)
{
	static char	path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	static char	lang[] = "LANG=C.UTF-8";
	const char	*fixed = c->settings->text[SETTING_LANGUAGE];
	char		number[24];
	size_t		n = 0;

	memset(e, 0, sizeof(*e));
	e->env[n++] = path;
	e->env[n++] = lang;
	hook_variable(e, &n, e->tmp, sizeof(e->tmp), "TMPDIR", h->place);
	hook_variable(e, &n, e->ticket, sizeof(e->ticket), "HOOK_TICKET",
	    hook_number(number, sizeof(number), c->ticket));
	hook_variable(e, &n, e->session, sizeof(e->session), "HOOK_SESSION",
	    hook_number(number, sizeof(number), c->session));
	hook_variable(e, &n, e->part, sizeof(e->part), "HOOK_PART", c->part);
	fixed = strcmp(fixed, "auto") == 0 ? NULL : fixed;
	hook_variable(e, &n, e->language, sizeof(e->language), "HOOK_LANGUAGE",
	    c->language != NULL && *c->language != '\0' ? c->language :
	    fixed);
}

/* Raises a limit that we have lowered for ourselves, up to `most'. */
static void
hook_limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit	r;

	if (getrlimit(what, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max < most ? r.rlim_max : most;
	(void)setrlimit(what, &r);
}

/*
 * In the new process: becomes the program.  `fd' are its descriptors 0 to 2.
 */
static void __attribute__((noreturn))
hook_become(const struct hook *h, const char *path, char *const env[],
    const int fd[3], int domain, pid_t parent)
{
	char		*argv[] = { NULL, NULL };
	char		name[SETTING_MAX + 1];
	const char	*why;
	sigset_t	none;
	int		i;

	(void)snprintf(name, sizeof(name), "%s", path);
	argv[0] = name;
	(void)setsid();
	child_end_with(parent);
	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	hook_limit(RLIMIT_AS, RLIM_INFINITY);
	hook_limit(RLIMIT_NOFILE, HOOK_FILES);
	if (dup2(fd[0], 0) != -1 && dup2(fd[1], 1) != -1 &&
	    dup2(fd[2], 2) != -1 && chdir(h->place) == 0 &&
	    harden_enter(domain) == 0) {
		closefrom(3);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)execve(path, argv, env);
	}
	why = strerror(errno);
	(void)!write(2, why, strlen(why));
	_exit(HOOK_CANNOT);
}

/* Forks.  No signal handler of ours runs in the new process. */
static pid_t
hook_fork(const struct hook *h, const char *path, char *const env[],
    const int fd[3], int domain)
{
	const pid_t	self = getpid();
	sigset_t	all, before;
	pid_t		pid;
	int		saved;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	if ((pid = fork()) == 0)
		hook_become(h, path, env, fd, domain, self);
	saved = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

static void
hook_shut(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/*
 * Makes the two pipes (stdout goes to /dev/null if it is thrown away), our ends
 * in h->fd.  `fd' are the program's descriptors; the caller closes them, too,
 * after an error.
 */
static int
hook_pipes(struct hook *h, const struct hook_call *c, int fd[3])
{
	int	end[2];

	if ((fd[0] = child_input(c->text, c->len)) == -1 ||
	    pipe2(end, O_CLOEXEC) == -1)
		return -1;
	h->fd[HOOK_SAID] = end[0];
	fd[2] = end[1];
	(void)fcntl(end[0], F_SETFL, O_NONBLOCK);	/* cannot fail */
	if (h->silent)
		return (fd[1] = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1 ?
		    -1 : 0;
	if (pipe2(end, O_CLOEXEC) == -1)
		return -1;
	h->fd[HOOK_OUT] = end[0];
	fd[1] = end[1];
	(void)fcntl(end[0], F_SETFL, O_NONBLOCK);
	return 0;
}

/* Starts the process.  Returns 0, or -1 with errno. */
static int
hook_launch(struct hook *h, const struct hook_call *c)
{
	const char		*path = c->settings->text[c->program];
	struct hook_environment	 e;
	int			 fd[3] = { -1, -1, -1 }, domain = -1, saved, i;

	hook_fill_environment(&e, h, c);
	/* Orphans become our children; none of ours is reaped unseen. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (hook_pipes(h, c, fd) == 0 &&
	    (domain = harden_narrow(path, h->place)) != -1 &&
	    (h->pid = hook_fork(h, path, e.env, fd, domain)) > 0)
		h->fd[HOOK_PROCESS] = pidfd_open(h->pid, 0);
	saved = errno;
	for (i = 0; i < 3; i++)
		hook_shut(&fd[i]);
	if (domain >= 0)
		(void)close(domain);
	errno = saved;
	return h->fd[HOOK_PROCESS] == -1 ? -1 : 0;
}

int
hook_start(struct hook *h, const struct hook_call *c)
{
	const char	*fault;

	hook_end(h);
	h->why[0] = h->said[0] = '\0';
	h->said_len = 0;
	h->name = settings_key(c->program);
	h->seconds = c->seconds;
	h->silent = c->most == 0;
	h->out.cap = c->most;
	buf_clear(&h->out);
	if ((fault = hook_place_fault(h, c->settings)) != NULL) {
		(void)snprintf(h->why, sizeof(h->why), "TMPDIR cannot be made "
		    "in RUN_DIR: %s", fault);
		return -1;
	}
	if (hook_launch(h, c) == -1) {
		(void)snprintf(h->why, sizeof(h->why), "it cannot be started: "
		    "%s", strerror(errno));
		hook_end(h);
		return -1;
	}
	h->deadline = clock_us() + c->seconds * INT64_C(1000000);
	return 0;
}

/* Keeps what fits of a piece of its stderr. */
static void
hook_keep_said(struct hook *h, const char *data, size_t len)
{
	const size_t	room = sizeof(h->said) - 1 - h->said_len;

	len = len < room ? len : room;
	memcpy(h->said + h->said_len, data, len);
	h->said_len += len;
	h->said[h->said_len] = '\0';
}

/* Its first line that is not empty, fit for the log. */
static void
hook_first_line(struct hook *h)
{
	char	text[sizeof(h->said)];
	size_t	from = strspn(h->said, "\r\n\t ");

	(void)snprintf(text, sizeof(text), "%.*s",
	    (int)strcspn(h->said + from, "\r\n"), h->said + from);
	(void)log_value(h->said, sizeof(h->said), text);
}

/*
 * Reads what is in a pipe.  Returns false, with the reason, if the program has
 * printed too much.
 */
static bool
hook_read(struct hook *h, int which)
{
	char	data[FRAME_MAX];
	ssize_t	n = 1;
	int	i;

	/* Of its output all of it, which `cap' bounds. */
	for (i = 0; n > 0 && h->fd[which] != -1 && (which == HOOK_OUT ||
	    i < HOOK_READS); i++) {
		n = read(h->fd[which], data, sizeof(data));
		if (n > 0 && which == HOOK_SAID)
			hook_keep_said(h, data, (size_t)n);
		else if (n > 0 && buf_add(&h->out, data, (size_t)n) == -1) {
			(void)snprintf(h->why, sizeof(h->why), errno ==
			    EMSGSIZE ? "it printed more than %zu bytes" :
			    "no memory for what it printed", h->out.cap);
			return false;
		}
	}
	/* At the end of the file: a descriptor that stayed would wake the loop
	   all the time. */
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		hook_shut(&h->fd[which]);
	return true;
}

/* Why a program that has ended has failed; false: it has not. */
static bool
hook_ended_badly(struct hook *h, const siginfo_t *info)
{
	if (info->si_code != CLD_EXITED)
		(void)snprintf(h->why, sizeof(h->why), "signal %d ended it",
		    info->si_status);
	else if (info->si_status == HOOK_CANNOT)
		(void)snprintf(h->why, sizeof(h->why), "exit code %d, as of a "
		    "program that cannot be executed", info->si_status);
	else if (info->si_status != 0)
		(void)snprintf(h->why, sizeof(h->why), "exit code %d",
		    info->si_status);
	return h->why[0] != '\0';
}

enum hook_progress
hook_step(struct hook *h, int64_t now)
{
	enum hook_progress	rc = HOOK_MORE;
	siginfo_t		info = { 0 };
	bool			good;

	/* Before the pipes are read, so that they hold all of it. */
	if (waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
	    -1)
		info.si_pid = 0;
	(void)hook_read(h, HOOK_SAID);
	good = hook_read(h, HOOK_OUT);
	if (!good || (info.si_pid != 0 && hook_ended_badly(h, &info)))
		rc = HOOK_FAILED;
	else if (info.si_pid != 0)
		rc = HOOK_ENDED;
	else if (now >= h->deadline) {
		(void)snprintf(h->why, sizeof(h->why), "it did not end within "
		    "%d s", h->seconds);
		rc = HOOK_FAILED;
	}
	if (rc == HOOK_MORE)
		return rc;
	hook_first_line(h);
	hook_end(h);
	return rc;
}

enum hook_progress
hook_run(struct hook *h, const struct hook_call *c)
{
	enum hook_progress	rc;
	struct pollfd		p[3];
	int			i;

	if (hook_start(h, c) == -1)
		return HOOK_FAILED;
	while ((rc = hook_step(h, clock_us())) == HOOK_MORE) {
		for (i = 0; i < 3; i++)
			p[i] = (struct pollfd){ h->fd[i], POLLIN, 0 };
		(void)poll(p, 3, clock_poll(clock_us(), h->deadline));
	}
	return rc;
}

/* Kills our children, of which there may be some that moved to a group of
   their own. */
static void
hook_kill_children(void)
{
	char	path[64], line[4096], *p = line, *end;
	ssize_t	n;
	long	pid;
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/children",
	    (long)getpid());
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, line, sizeof(line) - 1);
	(void)close(fd);
	line[n < 0 ? 0 : n] = '\0';
	while ((pid = strtol(p, &end, 10)) > 0) {
		/* The last number may be cut. */
		if (*end == ' ')
			(void)kill((pid_t)pid, SIGKILL);
		p = end;
	}
}

/*
 * Reaps what the program left behind.  A program that keeps making processes
 * in groups of their own is not followed for ever.
 */
static void
hook_reap(void)
{
	pid_t	pid;
	int	i;

	for (i = 0; i < HOOK_SWEEPS; i++) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid == -1)
			return;		/* ECHILD */
		hook_kill_children();
		(void)poll(NULL, 0, HOOK_SWEEP_MS);
	}
}

void
hook_end(struct hook *h)
{
	int	i;

	if (h->pid > 0) {
		(void)kill(h->pid, SIGKILL);	/* before it has a group */
		(void)kill(-h->pid, SIGKILL);
		hook_reap();
	}
	h->pid = 0;
	for (i = 0; i < 3; i++)
		hook_shut(&h->fd[i]);
}

void
hook_close(struct hook *h)
{
	hook_end(h);
	buf_free(&h->out);
	if (h->place[0] != '\0')
		place_remove(h->place, h->lock);
	h->place[0] = '\0';
	h->lock = -1;
}

const char *
hook_wrong_text(const struct buf *b)
{
	if (b->len == 0)
		return "it printed nothing";
	if (memchr(b->data, '\0', b->len) != NULL)
		return "it printed a NUL";
	if (!utf8_valid(b->data, b->len))
		return "what it printed is not UTF-8";
	return utf8_blank(b->data, b->len) ? "it printed only white space" :
	    NULL;
}
