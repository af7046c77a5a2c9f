/*
 * Runs other programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/limit.h"

int
child_spawn(pid_t *pid, const char *path, char *const argv[],
    char *const env[], const int fd[], int count, bool detached)
{
	posix_spawn_file_actions_t	files;
	posix_spawnattr_t		attr;
	sigset_t			all, none;
	int				rc, i;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if ((rc = posix_spawn_file_actions_init(&files)) != 0)
		return rc;
	if ((rc = posix_spawnattr_init(&attr)) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return rc;
	}
	for (i = 0; i < count && rc == 0; i++)
		rc = fd[i] == -1 ? posix_spawn_file_actions_addopen(&files, i,
		    "/dev/null", O_RDWR, 0) :
		    posix_spawn_file_actions_adddup2(&files, fd[i], i);
	if (rc == 0 &&
	    (rc = posix_spawn_file_actions_addclosefrom_np(&files,
	    count)) == 0 &&
	    (rc = posix_spawnattr_setsigdefault(&attr, &all)) == 0 &&
	    (rc = posix_spawnattr_setsigmask(&attr, &none)) == 0 &&
	    (rc = posix_spawnattr_setflags(&attr, (short)((detached ?
	    POSIX_SPAWN_SETSID : 0) | POSIX_SPAWN_SETSIGDEF |
	    POSIX_SPAWN_SETSIGMASK))) == 0)
		rc = posix_spawnp(pid, path, &files, &attr, argv, env);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
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
    struct buf *out)
{
	int64_t	deadline = timeout_ms == -1 ? CLOCK_NEVER : clock_us() +
		    timeout_ms * INT64_C(1000);
	int	fd[2], status, rc, saved;
	pid_t	pid;

	(void)signal(SIGCHLD, SIG_DFL);		/* else waitpid fails */
	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	rc = child_spawn(&pid, argv[0], argv, env,
	    (int[]){ -1, fd[1], fd[1] }, 3, false);
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
