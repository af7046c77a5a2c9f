/*
 * lib/base/lock: byte locks between owners and processes: exclusion, SIGKILL,
 * deadlines, counting.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/lock.h"
#include "t.h"

static void
opens(void)
{
	char		path[PATH_MAX + 10];
	struct stat	st;
	int		fd;

	check((fd = lock_open(".", "new")) != -1);
	check(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
	check_int(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(fd);
	check(lock_open("nothere", "x") == -1 && errno == ENOENT);
	check(symlink("new", "link") == 0);
	check(lock_open(".", "link") == -1 && errno == ELOOP);
	memset(path, 'x', sizeof(path));
	path[PATH_MAX - 2] = '\0';
	check(lock_open(path, "x") == -1 && errno == ENAMETOOLONG);
}

static void
excludes(void)
{
	int	a = lock_open(".", "l"), b = lock_open(".", "l");

	check_int(lock_try(a, 1), 1);
	check_int(lock_try(a, 1), 1);
	check_int(lock_try(b, 1), 0);
	check_int(lock_try(b, 0), 1);
	check_int(lock_try(b, 2), 1);
	check_int(lock_try(b, INT64_MAX), 1);
	check_int(lock_try(a, INT64_MAX), 0);
	lock_release(a, 1);
	check_int(lock_try(b, 1), 1);
	check_int(lock_try(a, 1), 0);
	(void)close(b);
	check_int(lock_try(a, 1), 1);
	(void)close(a);
	check(lock_try(a, 1) == -1 && errno == EBADF);
	check(lock_wait(a, 1, clock_us()) == -1 && errno == EBADF);
}

/* All bytes but the first. */
static void
rest(void)
{
	int	a = lock_open(".", "r"), b = lock_open(".", "r");

	check_int(lock_try(b, INT64_MAX), 1);
	check_int(lock_try_rest(a), 0);
	lock_release(b, INT64_MAX);
	check_int(lock_try(b, 1), 1);
	check_int(lock_try_rest(a), 0);
	lock_release(b, 1);
	check_int(lock_try(b, 0), 1);
	check_int(lock_try_rest(a), 1);
	check_int(lock_try(b, 1), 0);
	check_int(lock_try(b, INT64_MAX), 0);
	(void)close(a);
	check_int(lock_try(b, INT64_MAX), 1);
	(void)close(b);
	check(lock_try_rest(a) == -1 && errno == EBADF);
}

/* A child that holds a byte for some time or until it is killed. */
static pid_t
holder(int64_t byte, long ms)
{
	int	ready[2];
	char	c;
	pid_t	pid;

	if (pipe(ready) == -1)
		t_die("pipe");
	if ((pid = t_fork()) == 0) {
		if (lock_try(lock_open(".", "l"), byte) != 1)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		if (ms < 0)
			(void)pause();
		t_sleep_ms(ms);
		_exit(0);
	}
	(void)close(ready[1]);
	check_int(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void
killed(void)
{
	pid_t	pid = holder(7, -1);
	int	fd = lock_open(".", "l");

	check_int(lock_try(fd, 7), 0);
	check_int(lock_count(fd, 1, 9, 9), 1);
	(void)kill(pid, SIGKILL);
	check_int(t_wait(pid), 256 + SIGKILL);
	check_int(lock_try(fd, 7), 1);
	(void)close(fd);
}

static volatile sig_atomic_t	alarms;

static void
count_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static void
waits(void)
{
	struct sigaction	sa = { .sa_handler = count_alarm }, now;
	struct itimerval	it;
	int64_t			start;
	pid_t			pid;
	int			fd = lock_open(".", "l");

	check(sigaction(SIGALRM, &sa, NULL) == 0);
	row("until the deadline");
	pid = holder(7, -1);
	start = clock_us();
	check_int(lock_wait(fd, 7, start + 200000), 0);
	check(clock_us() - start >= 200000);
	check(clock_us() - start < 2000000);
	row("deadline over");
	start = clock_us();
	check_int(lock_wait(fd, 7, start - 1), 0);
	check(clock_us() - start < 1000000);
	check_int(lock_wait(fd, 8, start - 1), 1);
	(void)kill(pid, SIGKILL);
	(void)t_wait(pid);
	row("until it is free");
	pid = holder(7, 100);
	start = clock_us();
	check_int(lock_wait(fd, 7, start + 20000000), 1);
	check(clock_us() - start < 10000000);
	check_int(t_wait(pid), 0);
	row("SIGALRM is as it was");
	check(sigaction(SIGALRM, NULL, &now) == 0 &&
	    now.sa_handler == count_alarm);
	check(getitimer(ITIMER_REAL, &it) == 0 && it.it_value.tv_sec == 0 &&
	    it.it_value.tv_usec == 0);
	t_sleep_ms(120);
	check_int(alarms, 0);
	(void)close(fd);
}

enum { OWNERS = 60 };

/* Locks taken in various orders, counted in various ranges. */
static void
counts(void)
{
	int	fd[OWNERS], mine = lock_open(".", "c"), i, k;
	int64_t	byte[OWNERS], first, last;
	int	want, enough;

	check_int(lock_count(mine, 1, 1000, 9), 0);
	check_int(lock_try(mine, 50), 1);
	for (i = 0; i < OWNERS; i++) {
		byte[i] = 1 + (i * 37) % 61;	/* all different */
		fd[i] = lock_open(".", "c");
		if (byte[i] == 50)
			byte[i] = 99;
		check_int(lock_try(fd[i], byte[i]), 1);
	}
	for (i = 0; i < OWNERS; i += 3)
		(void)close(fd[i]);
	for (k = 0; k < 200; k++) {
		first = k % 20;
		last = first + k * 7 % 101;
		enough = k % 7 == 0 ? k % 5 + 1 : OWNERS;
		for (i = 0, want = 0; i < OWNERS; i++)
			want += i % 3 != 0 && byte[i] >= first &&
			    byte[i] <= last;
		row("%lld to %lld, enough %d", (long long)first,
		    (long long)last, enough);
		check_int(lock_count(mine, first, last, enough),
		    want < enough ? want : enough);
	}
	row("edges");
	check_int(lock_count(mine, 5, 4, 9), 0);
	check_int(lock_count(mine, 1, INT64_MAX, OWNERS), OWNERS * 2 / 3);
	for (i = 0; i < OWNERS; i++) {
		if (i % 3 != 0)
			(void)close(fd[i]);
	}
	(void)close(mine);
	check(lock_count(mine, 1, 2, 9) == -1 && errno == EBADF);
}

int
main(void)
{
	t_begin();
	run(opens);
	run(excludes);
	run(rest);
	run(killed);
	run(waits);
	run(counts);
	return t_end();
}
