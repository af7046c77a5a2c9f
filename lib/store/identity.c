/*
 * Which database a RUN_DIR belongs to: see identity.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/limit.h"
#include "base/lock.h"
#include "store/identity.h"

enum { ALL = 0, SERVICE = 1 };	/* bytes of `identity' that are locked */

static void
identity_pause(void)
{
	const struct timespec	pause = { 0, CLAIM_PAUSE * 1000000L };

	(void)nanosleep(&pause, NULL);
}

/* Writes the reason of a failed system call to `why'; returns -1. */
static int
identity_failed(const char *run_dir, char *why, size_t size)
{
	(void)snprintf(why, size, "RUN_DIR=%s: identity: %s", run_dir,
	    strerror(errno));
	return -1;
}

/* Reads the name in the file; sets "" if there is no valid one. */
static int
identity_read_name(int fd, char name[STORE_IDENTITY + 1])
{
	ssize_t	n;

	memset(name, 0, STORE_IDENTITY + 1);
	if ((n = pread(fd, name, STORE_IDENTITY, 0)) == -1)
		return -1;
	if (n != STORE_IDENTITY || !hex_is(name, STORE_IDENTITY))
		name[0] = '\0';
	return 0;
}

static int
identity_write_name(int fd, const char *id)
{
	char	line[STORE_IDENTITY + 2];
	int	n;

	n = snprintf(line, sizeof(line), "%s\n", id);
	return pwrite(fd, line, (size_t)n, 0) == n && ftruncate(fd, n) == 0 ?
	    0 : -1;
}

/*
 * Tries once.  Returns 1 if the lock is shared and the name is ours, 0 if
 * another database uses RUN_DIR (its name is in `name'), or -1 with errno.
 */
static int
identity_try(int fd, const char *id, char name[STORE_IDENTITY + 1])
{
	int	got;

	if ((got = lock_share(fd, ALL)) != 1 || identity_read_name(fd, name) ==
	    -1)
		return got == 1 ? -1 : got;
	if (strcmp(name, id) == 0)
		return 1;
	/* Locked exclusively, so that nobody reads half a name. */
	if ((got = lock_try(fd, ALL)) == 1)
		return identity_write_name(fd, id) == 0 && lock_share(fd,
		    ALL) == 1 ? 1 : -1;
	lock_release(fd, ALL);
	return got;
}

int
identity_share(const struct settings *s, const char *id, struct store *store,
    int wait_ms, char *why, size_t size)
{
	const char	*run_dir = s->text[SETTING_RUN_DIR];
	const int64_t	 until = clock_us() + wait_ms * INT64_C(1000);
	char		 name[STORE_IDENTITY + 1] = "", other[PATH_MAX] = "";
	int		 fd, got;

	if ((fd = lock_open(run_dir, "identity")) == -1)
		return identity_failed(run_dir, why, size);
	while ((got = store != NULL && store_served(store, run_dir, other,
	    sizeof(other)) ? 0 : identity_try(fd, id, name)) == 0 &&
	    clock_us() < until)
		identity_pause();
	if (got == 1)
		return fd;
	if (got == -1)
		(void)identity_failed(run_dir, why, size);
	else if (*other != '\0')
		(void)snprintf(why, size, "RUN_DIR=%.200s: the service of this "
		    "database runs with RUN_DIR=%.200s", run_dir, other);
	else
		(void)snprintf(why, size, "RUN_DIR=%.200s is in use for the "
		    "database %s, but this one, %.200s, is %s: each database "
		    "needs its own RUN_DIR",
		    run_dir, name, s->text[SETTING_DATABASE], id);
	(void)close(fd);
	return -1;
}

/* Locks byte SERVICE, waiting for a service that is ending. */
static int
identity_lock_service(const char *run_dir, char *why, size_t size)
{
	int	fd, got;

	if ((fd = lock_open(run_dir, "identity")) == -1)
		return identity_failed(run_dir, why, size);
	got = lock_wait(fd, SERVICE, clock_us() + IDENTITY_WAIT *
	    INT64_C(1000));
	if (got == 1)
		return 0;	/* fd stays open as long as the process lives */
	if (got == -1)
		(void)identity_failed(run_dir, why, size);
	else
		(void)snprintf(why, size, "RUN_DIR=%s: another service uses "
		    "it: each service needs its own RUN_DIR", run_dir);
	(void)close(fd);
	return -1;
}

int
identity_serve(const struct settings *s, struct store *store, char *why,
    size_t size)
{
	const char	*run_dir = s->text[SETTING_RUN_DIR];
	const int64_t	 until = clock_us() + IDENTITY_WAIT * INT64_C(1000);
	char		 id[STORE_IDENTITY + 1], other[PATH_MAX] = "";
	int		 got;

	if (store_identity(store, id) != FAILURE_NONE) {
		(void)snprintf(why, size, "%s", store_error(store));
		return -1;
	}
	if (identity_share(s, id, NULL, IDENTITY_WAIT, why, size) == -1 ||
	    identity_lock_service(run_dir, why, size) == -1)
		return -1;
	while ((got = store_serve(store, run_dir)) == 0 && clock_us() < until)
		identity_pause();
	if (got == 1)
		return 0;
	if (got == -1) {
		(void)snprintf(why, size, "%s", store_error(store));
		return -1;
	}
	(void)store_served(store, run_dir, other, sizeof(other));
	(void)snprintf(why, size, "DATABASE=%.200s: another service uses it, "
	    "with RUN_DIR=%.200s; this one's is %.200s",
	    s->text[SETTING_DATABASE], *other == '\0' ? run_dir : other,
	    run_dir);
	return -1;
}

int
identity_renew(const struct settings *s, struct store *store, char *why,
    size_t size)
{
	const char	*run_dir = s->text[SETTING_RUN_DIR];
	char		 id[STORE_IDENTITY + 1], name[STORE_IDENTITY + 1];
	int		 fd, rc = 0;

	if (store_identity(store, id) != FAILURE_NONE) {
		(void)snprintf(why, size, "%s", store_error(store));
		return -1;
	}
	if ((fd = lock_open(run_dir, "identity")) == -1)
		return identity_failed(run_dir, why, size);
	if (identity_read_name(fd, name) == -1 || (strcmp(name, id) != 0 &&
	    identity_write_name(fd, id) == -1))
		rc = identity_failed(run_dir, why, size);
	(void)close(fd);
	return rc;
}
