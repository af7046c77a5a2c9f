/*
 * Sets options of another process' listening sockets: pidfd_getfd(2) duplicates
 * the process' descriptor.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/listener.h"

/* The value of an integer option; -1 if the socket does not have it. */
static int
listener_option(int fd, int name)
{
	int		value = -1;
	socklen_t	len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value :
	    -1;
}

/*
 * Sets the timeout of a TCP socket.  Returns 1 if the socket listens, 0 if not,
 * or -1 with errno.
 */
static int
listener_set_timeout(int fd, unsigned ms)
{
	if (listener_option(fd, SO_PROTOCOL) != IPPROTO_TCP)
		return 0;
	if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)) ==
	    -1)
		return -1;
	return listener_option(fd, SO_ACCEPTCONN) == 1;
}

/* The number of a descriptor in /proc if it is a socket, else -1. */
static int
listener_socket(int dir, const char *name)
{
	char	link[sizeof("socket:")] = "";

	if (name[0] < '0' || name[0] > '9' ||
	    readlinkat(dir, name, link, sizeof(link) - 1) == -1 ||
	    strcmp(link, "socket:") != 0)
		return -1;
	return (int)strtol(name, NULL, 10);
}

/* Sets the timeout of all sockets of a process.  Returns how many listen. */
static int
listener_set_all(int process, DIR *d, unsigned ms)
{
	const struct dirent	*e;
	int			 number, fd, rc, saved, found = 0;

	while ((e = readdir(d)) != NULL) {
		if ((number = listener_socket(dirfd(d), e->d_name)) == -1)
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
		if (fd == -1 && errno == EBADF)		/* closed meanwhile */
			continue;
		if (fd == -1)
			return -1;
		rc = listener_set_timeout(fd, ms);
		saved = errno;
		(void)close(fd);
		errno = saved;
		if (rc == -1)
			return -1;
		found += rc;
	}
	return found;
}

int
listener_timeout(pid_t pid, int64_t ms)
{
	char	path[64];
	DIR	*d;
	int	process, found = -1, saved;

	process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process == -1)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	if ((d = opendir(path)) != NULL) {
		found = listener_set_all(process, d, ms > INT_MAX ? INT_MAX :
		    (unsigned)ms);
		saved = errno;
		(void)closedir(d);
		errno = saved;
	}
	saved = errno;
	(void)close(process);
	errno = saved;
	return found;
}

int
listener_try(void)
{
	const struct sockaddr_in	any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const pid_t			self = getpid();
	int				fd, found = -1, saved;
	pid_t				pid;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)signal(SIGCHLD, SIG_DFL);		/* else waitpid fails */
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0 &&
	    listen(fd, 1) == 0 && (pid = fork()) != -1) {
		if (pid == 0) {
			child_end_with(self);
			for (;;)
				(void)pause();
		}
		found = listener_timeout(pid, 1000);
		saved = errno;
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
		errno = saved;
	}
	saved = errno;
	(void)close(fd);
	errno = saved;
	return found > 0 ? 0 : -1;
}
