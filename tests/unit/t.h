/*
 * The harness of the unit tests.  The main of a test program calls t_begin,
 * runs each of its functions, and ends with `return t_end()'.  It prints
 *
 *	tests/unit/base/t_buf.c:31: check(b.len == 3) [row "abc"]
 *	FAILED t_buf: 1 of 57 checks, the first in tests/unit/base/t_buf.c:31
 *
 * or one line "ok t_buf: 57 checks" and exits with 0.  The program runs in a
 * directory of its own, which t_end removes, with only PATH in its environment,
 * and is killed after a minute.
 */
#ifndef T_H
#define T_H

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Counts a check; prints its line if it fails.  Returns its result. */
#define check(what)	t_check((what), #what, __FILE__, __LINE__)
#define check_int(got, want) \
	t_int((int64_t)(got), (int64_t)(want), #got, __FILE__, __LINE__)
#define check_str(got, want) \
	t_str((got), (want), #got, __FILE__, __LINE__)
#define check_mem(got, len, want, want_len) \
	t_mem((got), (len), (want), (want_len), #got, __FILE__, __LINE__)

/* A check that has failed already. */
#define fail(what)	t_check(false, what, __FILE__, __LINE__)

/* Runs a test function; clears what row() has set before. */
#define run(test)	(t_row[0] = '\0', (test)())

static int	t_checks, t_failed;
static char	t_row[256];		/* the current row of a table; "":
					   none */
static char	t_first[512];		/* where it failed first */
static char	t_source[4096];		/* the checkout */
static char	t_dir[4096];		/* the test's directory */

/* Names the row of a table that the next checks are about. */
static inline void __attribute__((format(printf, 1, 2)))
row(const char *format, ...)
{
	va_list	ap;

	va_start(ap, format);
	(void)vsnprintf(t_row, sizeof(t_row), format, ap);
	va_end(ap);
}

static inline bool
t_check(bool good, const char *what, const char *file, int line)
{
	t_checks++;
	if (good)
		return true;
	t_failed++;
	if (t_failed == 1)
		(void)snprintf(t_first, sizeof(t_first), "%s:%d", file, line);
	(void)printf(*t_row == '\0' ? "%s:%d: %s\n" : "%s:%d: %s [%s]\n",
	    file, line, what, t_row);
	(void)fflush(stdout);
	return false;
}

static inline bool
t_int(int64_t got, int64_t want, const char *what, const char *file, int line)
{
	char	text[512];

	(void)snprintf(text, sizeof(text), "%s is %lld, not %lld", what,
	    (long long)got, (long long)want);
	return t_check(got == want, text, file, line);
}

static inline bool
t_mem(const void *got, size_t len, const void *want, size_t want_len,
    const char *what, const char *file, int line)
{
	char	text[2048];

	(void)snprintf(text, sizeof(text), "%s is \"%.*s\" (%zu), not \"%.*s\""
	    " (%zu)", what, (int)(len < 800 ? len : 800),
	    got == NULL ? "" : (const char *)got, len,
	    (int)(want_len < 800 ? want_len : 800), (const char *)want,
	    want_len);
	return t_check(len == want_len && (len == 0 ||
	    memcmp(got, want, len) == 0), text, file, line);
}

static inline bool
t_str(const char *got, const char *want, const char *what, const char *file,
    int line)
{
	return t_mem(got, got == NULL ? 0 : strlen(got), want, strlen(want),
	    what, file, line);
}

static inline int
t_remove(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

/* Exits if a test cannot be set up. */
static inline void __attribute__((noreturn))
t_die(const char *what)
{
	perror(what);
	exit(111);
}

/* Enters a new directory; sets the time limit. */
static inline void
t_begin(void)
{
	struct sigevent		e = { .sigev_notify = SIGEV_SIGNAL,
				    .sigev_signo = SIGVTALRM };
	struct itimerspec	limit = { .it_value = { 600, 0 } };
	const char		*tmp = getenv("TMPDIR");
	char			*path = getenv("PATH");
	timer_t			timer;

	if (getcwd(t_source, sizeof(t_source)) == NULL)
		t_die("getcwd");
	(void)snprintf(t_dir, sizeof(t_dir), "%s/t.XXXXXX",
	    tmp == NULL || *tmp == '\0' ? "/tmp" : tmp);
	if (mkdtemp(t_dir) == NULL || chdir(t_dir) == -1)
		t_die(t_dir);
	if (timer_create(CLOCK_MONOTONIC, &e, &timer) == -1 ||
	    timer_settime(timer, 0, &limit, NULL) == -1)
		t_die("timer");
	if ((path = strdup(path == NULL ? "/bin:/usr/bin" : path)) == NULL ||
	    clearenv() != 0 || setenv("PATH", path, 1) == -1)
		t_die("environment");
	free(path);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* Cleans up and prints the result.  Returns the exit code for main. */
static inline int
t_end(void)
{
	if (chdir(t_source) == -1 ||
	    nftw(t_dir, t_remove, 16, FTW_DEPTH | FTW_PHYS) == -1)
		t_die(t_dir);
	if (t_failed > 0)
		(void)printf("FAILED %s: %d of %d checks, the first in %s\n",
		    program_invocation_short_name, t_failed, t_checks,
		    t_first);
	else
		(void)printf("ok %s: %d checks\n",
		    program_invocation_short_name, t_checks);
	return t_failed > 0;
}

/* Reads a whole file, with a NUL after it.  The caller frees it. */
static inline char *
t_read(const char *path, size_t *len)
{
	FILE	*f = fopen(path, "r");
	char	*data = malloc(1 << 22);

	if (f == NULL || data == NULL)
		t_die(path);
	*len = fread(data, 1, (1 << 22) - 1, f);
	data[*len] = '\0';
	(void)fclose(f);
	return data;
}

/* As t_read, for a file of the checkout. */
static inline char *
t_read_source(const char *path, size_t *len)
{
	char	whole[8192];

	(void)snprintf(whole, sizeof(whole), "%s/%s", t_source, path);
	return t_read(whole, len);
}

static inline void
t_write(const char *path, const char *data, size_t len)
{
	FILE	*f = fopen(path, "w");

	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) == EOF)
		t_die(path);
}

/* fork(2); the child must end with _exit. */
static inline pid_t
t_fork(void)
{
	pid_t	pid;

	(void)fflush(stdout);
	if ((pid = fork()) == -1)
		t_die("fork");
	return pid;
}

/* A child's exit code, or 256 plus the number of the signal that ended it. */
static inline int
t_wait(pid_t pid)
{
	int	status = -1;

	if (waitpid(pid, &status, 0) != pid)
		t_die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    256 + WTERMSIG(status);
}

static inline void
t_sleep_ms(long ms)
{
	const struct timespec	t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

#endif
