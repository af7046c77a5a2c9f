/*
 * Locks on bytes of a file: see lock.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"

int
lock_open(const char *dir, const char *name)
{
	char	path[PATH_MAX];
	int	n;

	n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Locks len bytes; 0: up to the end of all files. */
static int
lock_set(int fd, int command, short type, int64_t byte, int64_t len)
{
	struct flock	l = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = len,
	};

	return fcntl(fd, command, &l);
}

static int
lock_apply(int fd, short type, int64_t byte, int64_t len)
{
	for (;;) {
		if (lock_set(fd, F_OFD_SETLK, type, byte, len) == 0)
			return 1;
		if (errno == EAGAIN || errno == EACCES)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

int
lock_try(int fd, int64_t byte)
{
	return lock_apply(fd, F_WRLCK, byte, 1);
}

int
lock_share(int fd, int64_t byte)
{
	return lock_apply(fd, F_RDLCK, byte, 1);
}

int
lock_try_rest(int fd)
{
	return lock_apply(fd, F_WRLCK, 1, 0);
}

static void
lock_wake(int sig)
{
	(void)sig;	/* it only interrupts fcntl */
}

int
lock_wait(int fd, int64_t byte, int64_t deadline)
{
	/* Repeat: the first signal may arrive just before fcntl blocks. */
	const struct itimerval	tick = { { 0, 50000 }, { 0, 50000 } };
	const struct itimerval	none = { { 0, 0 }, { 0, 0 } };
	struct sigaction	sa, old;
	int			rc, saved;

	if ((rc = lock_try(fd, byte)) != 0)
		return rc;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = lock_wake;	/* no SA_RESTART */
	(void)sigemptyset(&sa.sa_mask);
	if (sigaction(SIGALRM, &sa, &old) == -1)
		return -1;
	(void)setitimer(ITIMER_REAL, &tick, NULL);	/* cannot fail */
	do {
		rc = lock_set(fd, F_OFD_SETLKW, F_WRLCK, byte, 1);
	} while (rc == -1 && errno == EINTR && clock_us() < deadline);
	saved = errno;
	(void)setitimer(ITIMER_REAL, &none, NULL);
	(void)sigaction(SIGALRM, &old, NULL);
	errno = saved;
	return rc == 0 ? 1 : errno == EINTR ? 0 : -1;
}

void
lock_release(int fd, int64_t byte)
{
	(void)lock_set(
	    fd, F_OFD_SETLK, F_UNLCK, byte, 1); /* our lock: cannot fail */
}

int
lock_list(int fd, int64_t first, int64_t last, int64_t *bytes, int enough)
{
	struct flock	l;
	int		count = 0;

	while (first <= last && count < enough) {
		memset(&l, 0, sizeof(l));
		l.l_type = F_WRLCK;
		l.l_whence = SEEK_SET;
		l.l_start = first;
		l.l_len = last - first + 1;
		if (fcntl(fd, F_OFD_GETLK, &l) == -1)
			return -1;
		if (l.l_type == F_UNLCK)
			break;
		/* The kernel need not report the lowest lock first: search
		   below it. */
		if (l.l_start > first) {
			int	below = lock_list(fd, first, l.l_start - 1,
				    bytes == NULL ? NULL : bytes + count,
				    enough - count);

			if (below == -1)
				return -1;
			count += below;
		}
		if (bytes != NULL && count < enough)
			bytes[count] = l.l_start;
		count++;
		first = l.l_start + 1;
	}
	return count < enough ? count : enough;
}

int
lock_count(int fd, int64_t first, int64_t last, int enough)
{
	return lock_list(fd, first, last, NULL, enough);
}
