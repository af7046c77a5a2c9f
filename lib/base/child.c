/*
 * Running another program.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/limit.h"

/* Starts it with `out' for its output.  Returns as posix_spawnp. */
static int
start(pid_t *pid, char *const argv[], char *const env[], int out)
{
	posix_spawn_file_actions_t	files;
	int				rc;

	if ((rc = posix_spawn_file_actions_init(&files)) != 0)
		return rc;
	if ((rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO,
	    "/dev/null", O_RDONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, out,
	    STDOUT_FILENO)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, out,
	    STDERR_FILENO)) == 0)
		rc = posix_spawnp(pid, argv[0], &files, NULL, argv, env);
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* Reads until the other end is closed; -1 if that takes too long. */
static int
read_all(int fd, int64_t deadline, struct buf *out)
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

	(void)signal(SIGCHLD, SIG_DFL);		/* it is waited for */
	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	rc = start(&pid, argv, env, fd[1]);
	(void)close(fd[1]);
	if (rc != 0) {
		(void)close(fd[0]);
		errno = rc;
		return -1;
	}
	rc = read_all(fd[0], deadline, out);
	saved = errno;
	(void)close(fd[0]);
	if (rc == -1)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	errno = rc == -1 ? saved : EINTR;
	return rc == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
