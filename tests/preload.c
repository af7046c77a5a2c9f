/*
 * preload.so: preloaded with LD_PRELOAD by tests, makes allocations fail and
 * sets clocks.
 *
 *	FAIL_AT=N		the Nth malloc, calloc or realloc fails
 *	FAIL_FROM=N		the Nth and all later ones fail
 *	ALLOCATIONS=FILE	their number is written to FILE at the end
 *	CLOCKS=FILE		FILE says how many seconds the real-time and the
 *				monotonic clock are ahead, 12 characters each
 *
 * Allocations of ld.so before the program begins do not count, nor do
 * libcrypto's 4,000 small ones at its start.  The file of CLOCKS is read each
 * time the clock is, so a test may change it.  CLOCKS is passed on to `answer',
 * although chat otherwise passes only the settings.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 12, ENV_MAX = 256 };

/* glibc's functions that ours replace. */
extern void	*__libc_malloc(size_t);
extern void	*__libc_calloc(size_t, size_t);
extern void	*__libc_realloc(void *, size_t);

static atomic_long	 count;		/* of allocations */
static long		 fail_at, fail_from;	/* 0: none fails */
static const char	*clocks;	/* NULL: the clocks are not changed */
static int		(*real_execvpe)(const char *, char *const [],
			    char *const []);

__attribute__((constructor)) static void
begin(void)
{
	const char	*file = getenv("CLOCKS"), *at, *from;
	void		*map;
	int		 fd;

	*(void **)&real_execvpe = dlsym(RTLD_NEXT, "execvpe");
	if (file != NULL) {
		if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1 ||
		    (map = mmap(NULL, (size_t)2 * WIDTH, PROT_READ, MAP_SHARED,
		    fd, 0)) == MAP_FAILED)
			abort();
		clocks = map;
		(void)close(fd);
	}
	if ((at = getenv("FAIL_AT")) != NULL)
		fail_at = strtol(at, NULL, 10);
	if ((from = getenv("FAIL_FROM")) != NULL)
		fail_from = strtol(from, NULL, 10);
	atomic_store(&count, 0);
}

__attribute__((destructor)) static void
end(void)
{
	const char	*file = getenv("ALLOCATIONS");
	long		 n = atomic_load(&count);
	int		 fd;

	if (file != NULL && (fd = open(file, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600)) != -1)
		(void)dprintf(fd, "%ld\n", n);
}

/* Whether this allocation fails. */
static int
fails(void *caller)
{
	Dl_info	i;
	long	n;

	if (dladdr(caller, &i) != 0 && strstr(i.dli_fname, "libcrypto") != NULL)
		return 0;
	n = atomic_fetch_add(&count, 1) + 1;
	if (n != fail_at && (fail_from == 0 || n < fail_from))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL :
	    __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL :
	    __libc_realloc(p, size);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int	wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
	char	text[WIDTH + 1];
	long	rc = syscall(SYS_clock_gettime, id, t);

	if (rc == 0 && clocks != NULL) {
		memcpy(text, clocks + (wall ? 0 : WIDTH), WIDTH);
		text[WIDTH] = '\0';
		t->tv_sec += strtol(text, NULL, 10);
	}
	return (int)rc;
}

time_t
time(time_t *out)
{
	struct timespec	t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

int
gettimeofday(struct timeval *out, void *zone)
{
	struct timespec	t;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	out->tv_sec = t.tv_sec;
	out->tv_usec = t.tv_nsec / 1000;
	return 0;
}

/* In a process that has come from vfork, and shares its parent's memory. */
int
execvpe(const char *path, char *const argv[], char *const env[])
{
	static const char *const	pass[] = { "LD_PRELOAD", "CLOCKS" };
	char				*more[ENV_MAX], text[2][4096];
	size_t				 i, n;

	if (clocks == NULL)
		return real_execvpe(path, argv, env);
	for (n = 0; env[n] != NULL && n < ENV_MAX - 3; n++)
		more[n] = env[n];
	for (i = 0; i < 2; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%s=%s", pass[i],
		    getenv(pass[i]));
		more[n++] = text[i];
	}
	more[n] = NULL;
	return real_execvpe(path, argv, more);
}
