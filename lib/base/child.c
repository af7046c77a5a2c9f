/*
 * Runs other programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/limit.h"

enum { CHILD_CANNOT = 127 };	/* exit code of one that runs no program */

/* The arguments of child_spawn. */
struct child_call {
	const char	*path;
	char *const	*argv, *const *env;
	const int	*fd;
	int		 count;
	bool		 detached;
};

void
child_end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(CHILD_CANNOT);
}

/* Makes a copy of fd (-1: of /dev/null) the descriptor `to'. */
static int
child_place(int fd, int to)
{
	if (fd == -1 && (fd = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return -1;
	return fd == to ? fcntl(fd, F_SETFD, 0) : dup2(fd, to);
}

/*
 * In the new process, which still shares our memory: becomes the program, or
 * says in *rc why not.
 */
static void __attribute__((noreturn))
child_become(const struct child_call *c, pid_t parent, volatile int *rc)
{
	sigset_t	none;
	int		i;

	if (c->detached)
		(void)setsid();
	else
		child_end_with(parent);
	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	for (i = 0; i < c->count; i++) {
		if (child_place(c->fd[i], i) == -1) {
			*rc = errno;
			_exit(CHILD_CANNOT);
		}
	}
	closefrom(c->count);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execvpe(c->path, c->argv, c->env);
	*rc = errno;
	_exit(CHILD_CANNOT);
}

/*
 * As posix_spawn does it: vfork(2) copies no page, and all signals are blocked,
 * so that no handler of ours runs in the new process.  posix_spawn itself
 * cannot have the program end with its parent.
 */
int
child_spawn(pid_t *pid, const char *path, char *const argv[],
    char *const env[], const int fd[], int count, bool detached)
{
	const struct child_call	c = { path, argv, env, fd, count, detached };
	const pid_t		self = getpid();
	volatile int		rc = 0;
	sigset_t		all, before;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	if ((*pid = vfork()) == 0)
		child_become(&c, self, &rc);
	if (*pid == -1)
		rc = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (*pid > 0 && rc != 0)
		(void)waitpid(*pid, NULL, 0);
	return rc;
}

/* Reads until the other end is closed.  Returns 0, or -1 with errno. */
static int
child_read_all(int fd, int64_t deadline, struct buf *out)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	char		data[READ_MAX];
	ssize_t		n;

	for (;;) {
		n = poll(&p, 1, clock_poll(clock_us(), deadline));
		if (n == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (n == 1 && (n = read(fd, data, sizeof(data))) == 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			(void)!buf_add(out, data, (size_t)n);
	}
}

int
child_run(char *const argv[], char *const env[], int timeout_ms,
    bool errors, struct buf *out)
{
	int64_t	deadline = timeout_ms == -1 ? CLOCK_NEVER : clock_us() +
		    timeout_ms * INT64_C(1000);
	int	fd[2], status, rc, saved;
	pid_t	pid;

	(void)signal(SIGCHLD, SIG_DFL);		/* else waitpid fails */
	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	rc = child_spawn(&pid, argv[0], argv, env,
	    (int[]){ -1, fd[1], errors ? fd[1] : STDERR_FILENO }, 3, false);
	(void)close(fd[1]);
	if (rc != 0) {
		(void)close(fd[0]);
		errno = rc;
		return -1;
	}
	rc = child_read_all(fd[0], deadline, out);
	saved = errno;
	(void)close(fd[0]);
	if (rc == -1)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	errno = rc == -1 ? saved : EINTR;
	return rc == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
child_input(const char *data, size_t len)
{
	ssize_t	n;
	size_t	done;
	int	fd;

	if ((fd = memfd_create("input", MFD_CLOEXEC)) == -1)
		return -1;
	for (done = 0; done < len; done += (size_t)n) {
		if ((n = write(fd, data + done, len - done)) == -1) {
			(void)close(fd);
			return -1;
		}
	}
	(void)lseek(fd, 0, SEEK_SET);	/* a memfd can seek: cannot fail */
	return fd;
}

/*
 * As child_spawn, but returns a pidfd.  chat ignores SIGCHLD, so the kernel
 * reaps its children when they end, and their pid may be reused.  SIGCHLD gets
 * its default action until the pidfd is open.
 */
static int
child_spawn_pidfd(int *pidfd, char *const argv[], char *const env[], int in,
    int out)
{
	const int	fd[] = { in, out, STDERR_FILENO };

	void		(*before)(int);
	pid_t		pid;
	int		rc;

	before = signal(SIGCHLD, SIG_DFL);
	if ((rc = child_spawn(&pid, argv[0], argv, env, fd, 3, false)) == 0 &&
	    (*pidfd = pidfd_open(pid, 0)) == -1) {
		rc = errno;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	(void)signal(SIGCHLD, before);
	/* Reap other children that ended meanwhile. */
	if (before == SIG_IGN) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return rc;
}

int
child_start(struct child *c, char *const argv[], char *const env[],
    const char *data, size_t len, int timeout_ms)
{
	int	fd[2], in, rc;

	if ((in = child_input(data, len)) == -1)
		return -1;
	if (pipe2(fd, O_CLOEXEC) == -1) {
		rc = errno;
		(void)close(in);
		errno = rc;
		return -1;
	}
	rc = child_spawn_pidfd(&c->pidfd, argv, env, in, fd[1]);
	(void)close(in);
	(void)close(fd[1]);
	if (rc != 0) {
		(void)close(fd[0]);
		errno = rc;
		return -1;
	}
	(void)fcntl(fd[0], F_SETFL, O_NONBLOCK);	/* cannot fail */
	c->fd = fd[0];
	c->deadline = clock_us() + timeout_ms * INT64_C(1000);
	buf_clear(&c->out);
	return 0;
}

enum child_progress
child_step(struct child *c, int64_t now)
{
	char	data[FRAME_MAX];	/* small: touched stack pages are never
					   returned to the system */
	ssize_t	n;

	while ((n = read(c->fd, data, sizeof(data))) > 0) {
		if (buf_add(&c->out, data, (size_t)n) == -1)
			return CHILD_BROKEN;
		if ((size_t)n < sizeof(data))
			break;
	}
	if (n == 0)
		return CHILD_ENDED;
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		return CHILD_BROKEN;
	return now < c->deadline ? CHILD_MORE : CHILD_LATE;
}

void
child_end(struct child *c)
{
	if (c->fd == -1)
		return;
	if (c->pidfd != -1)
		(void)pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	child_leave(c);
}

void
child_leave(struct child *c)
{
	if (c->pidfd != -1) {
		/* Reap the process in case it ended while SIGCHLD was not
		 * ignored. */
		(void)waitid(P_PIDFD, (id_t)c->pidfd, NULL,
		    WEXITED | WNOHANG);
		(void)close(c->pidfd);
	}
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = c->pidfd = -1;
	buf_free(&c->out);
}
