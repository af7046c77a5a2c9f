/*
 * The running generations of all tickets.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "base/number.h"
#include "generation/generation.h"
#include "generation/generations.h"

/*
 * How long to wait for a claim, in ms: it is held for a few, or, on a slow
 * disk, until its session row is written.
 */
#define CLAIM_TIMEOUT	(2 * STORE_TIMEOUT)

static const char	generations_suffix[] = ".sock";

/* The ticket in the name of a socket; 0: not such a name. */
static int64_t
generations_ticket(const char *name)
{
	char	number[24];
	size_t	len = strlen(name), end = sizeof(generations_suffix) - 1;

	if (len <= end || len - end >= sizeof(number) ||
	    strcmp(name + len - end, generations_suffix) != 0)
		return 0;
	memcpy(number, name, len - end);
	number[len - end] = '\0';
	return number_id(number);
}

int
generations_each(const char *run_dir, bool (*each)(void *, int64_t),
    void *context)
{
	struct dirent	*e;
	DIR		*d;
	int64_t		 ticket;
	int		 saved;

	if ((d = opendir(run_dir)) == NULL)
		return -1;
	for (errno = 0; (e = readdir(d)) != NULL; errno = 0) {
		ticket = generations_ticket(e->d_name);
		if (ticket != 0 && !each(context, ticket))
			break;
	}
	saved = e == NULL ? errno : 0;
	(void)closedir(d);
	errno = saved;
	return saved == 0 ? 0 : -1;
}

/* Whether a process listens for a ticket.  `stop': also asks it to end. */
static bool
generations_runs(const char *run_dir, int64_t ticket, bool stop)
{
	int	fd = -1;

	if (generation_connect(run_dir, ticket, &fd) == GENERATION_NONE)
		return false;
	if (fd != -1 && stop)
		generation_say_stop(fd);
	if (fd != -1)
		(void)close(fd);
	return true;
}

static void
generations_pause(int ms)
{
	const struct timespec	pause = { 0, ms * 1000000L };

	(void)nanosleep(&pause, NULL);
}

static int64_t
generations_later(int64_t ms)
{
	return clock_us() + ms * 1000;
}

/*
 * Takes a ticket's claim, then waits until nothing runs for the ticket.
 * `stop': asks what runs to end and waits STOP_TIMEOUT, else does not wait at
 * all.  Returns the claim, or -1 with errno.
 */
static int
generations_claim(const char *run_dir, int64_t ticket, bool stop)
{
	int64_t	deadline = generations_later(CLAIM_TIMEOUT);
	int	claim;

	while ((claim = generation_claim(run_dir, ticket)) == -1) {
		if (errno != 0)
			return -1;
		errno = EBUSY;
		if (clock_us() >= deadline)
			return -1;
		generations_pause(CLAIM_PAUSE);
	}
	deadline = stop ? generations_later(STOP_TIMEOUT) : 0;
	while (generations_runs(run_dir, ticket, stop)) {
		if (clock_us() >= deadline) {
			(void)close(claim);
			errno = EBUSY;
			return -1;
		}
		generations_pause(CLAIM_PAUSE);
	}
	return claim;
}

int
generations_hold(const char *run_dir, int64_t ticket)
{
	return generations_claim(run_dir, ticket, false);
}

int
generations_end(const char *run_dir, int64_t ticket)
{
	return generations_claim(run_dir, ticket, true);
}

/* For counting the generations that run in a directory. */
struct generations_running {
	const char	*run_dir;
	int		 count;
};

static bool
generations_count(void *context, int64_t ticket)
{
	struct generations_running	*r = context;

	if (generations_runs(r->run_dir, ticket, false))
		r->count++;
	return true;
}

/*
 * Takes the claims of all tickets.  Returns their descriptor, or -1 with errno.
 */
static int
generations_claim_all(const char *run_dir)
{
	const int64_t	deadline = generations_later(CLAIM_TIMEOUT);
	int		claims, got, saved;

	if ((claims = generation_claims(run_dir)) == -1)
		return -1;
	while ((got = lock_try_rest(claims)) == 0 && clock_us() < deadline)
		generations_pause(CLAIM_PAUSE);
	if (got == 1)
		return claims;
	saved = got == 0 ? EBUSY : errno;
	(void)close(claims);
	errno = saved;
	return -1;
}

int
generations_await(const char *run_dir, int64_t ms, void (*report)(void *, int),
    void *context)
{
	const int64_t	deadline = generations_later(ms);
	struct generations_running	r = { run_dir, 0 };
	int		claims, saved = EBUSY;

	if ((claims = generations_claim_all(run_dir)) == -1)
		return -1;
	for (;;) {
		r.count = 0;
		if (generations_each(run_dir, generations_count, &r) == -1) {
			saved = errno;
			break;
		}
		if (r.count == 0)
			return claims;
		if (report != NULL)
			report(context, r.count);
		if (clock_us() >= deadline)
			break;
		generations_pause(GENERATION_LOOK);
	}
	(void)close(claims);
	errno = saved;
	return -1;
}

int
generations_hold_all(const char *run_dir)
{
	return generations_await(run_dir, 0, NULL, NULL);
}
