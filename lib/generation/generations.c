/*
 * The running generations of all tickets.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
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

/*
 * Reads what the name of a socket says: TICKET.sock, or TICKET-QUESTION.sock.
 * Returns false if it is no such name.
 */
static bool
generations_subject(const char *name, struct subject *s)
{
	char	number[24];
	size_t	len = strlen(name), end = sizeof(generations_suffix) - 1;

	memset(s, 0, sizeof(*s));
	if (len <= end || strcmp(name + len - end, generations_suffix) != 0)
		return false;
	len -= end;
	if (len > QUESTION_HASH + 1 && name[len - QUESTION_HASH - 1] == '-') {
		len -= QUESTION_HASH + 1;
		memcpy(s->question, name + len + 1, QUESTION_HASH);
		if (!hex_is(s->question, QUESTION_HASH))
			return false;
	}
	if (len >= sizeof(number))
		return false;
	memcpy(number, name, len);
	number[len] = '\0';
	s->ticket = number_id(number);
	return s->ticket != 0;
}

int
generations_each(const char *run_dir,
    bool (*each)(void *, const struct subject *), void *context)
{
	struct dirent	*e;
	struct subject	 s;
	DIR		*d;
	int		 saved;

	if ((d = opendir(run_dir)) == NULL)
		return -1;
	for (errno = 0; (e = readdir(d)) != NULL; errno = 0) {
		if (generations_subject(e->d_name, &s) && !each(context, &s))
			break;
	}
	saved = e == NULL ? errno : 0;
	(void)closedir(d);
	errno = saved;
	return saved == 0 ? 0 : -1;
}

/* For looking what runs: for one ticket, or (0) for all. */
struct generations_running {
	const char	*run_dir;
	int64_t		 ticket;
	bool		 stop;		/* also ask it to end */
	int		 count;
};

/*
 * Counts a generation if a process listens, else removes its stale socket: we
 * have the claim, so nobody is about to listen there.
 */
static bool
generations_count(void *context, const struct subject *s)
{
	struct generations_running	*r = context;
	int				 fd = -1;

	if (r->ticket != 0 && r->ticket != s->ticket)
		return true;
	if (generation_connect(r->run_dir, s, &fd) == GENERATION_NONE) {
		generation_sweep(r->run_dir, s);
		return true;
	}
	r->count++;
	if (fd != -1 && r->stop)
		generation_say_stop(fd);
	if (fd != -1)
		(void)close(fd);
	return true;
}

/*
 * With the claims: how many processes listen for a ticket, or (0) for all.
 * `stop': also asks them to end.  Returns -1 with errno if that cannot be found
 * out.
 */
static int
generations_runs(const char *run_dir, int64_t ticket, bool stop)
{
	struct generations_running	r = { run_dir, ticket, stop, 0 };

	return generations_each(run_dir, generations_count, &r) == -1 ? -1 :
	    r.count;
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

/* Takes a ticket's claim, whatever runs.  Returns it, or -1 with errno. */
static int
generations_take(const char *run_dir, int64_t ticket)
{
	const int64_t	deadline = generations_later(CLAIM_TIMEOUT);
	int		claim;

	while ((claim = generation_claim(run_dir, ticket)) == -1) {
		if (errno != 0)
			return -1;
		errno = EBUSY;
		if (clock_us() >= deadline)
			return -1;
		generations_pause(CLAIM_PAUSE);
	}
	return claim;
}

/*
 * Takes a ticket's claim, then waits until nothing runs for the ticket.
 * `stop': asks what runs to end and waits STOP_TIMEOUT, else does not wait at
 * all.  Returns the claim, or -1 with errno.
 */
static int
generations_claim(const char *run_dir, int64_t ticket, bool stop)
{
	int64_t	deadline;
	int	claim, running;

	if ((claim = generations_take(run_dir, ticket)) == -1)
		return -1;
	deadline = stop ? generations_later(STOP_TIMEOUT) : 0;
	while ((running = generations_runs(run_dir, ticket, stop)) != 0) {
		if (running == -1 || clock_us() >= deadline) {
			running = running == -1 ? errno : EBUSY;
			(void)close(claim);
			errno = running;
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
generations_hold_answer(const char *run_dir, int64_t ticket)
{
	const struct subject		answer = { ticket, "" };
	struct generations_running	r = { run_dir, 0, false, 0 };
	int				claim;

	if ((claim = generations_take(run_dir, ticket)) == -1)
		return -1;
	(void)generations_count(&r, &answer);
	if (r.count == 0)
		return claim;
	(void)close(claim);
	errno = EBUSY;
	return -1;
}

int
generations_end(const char *run_dir, int64_t ticket)
{
	return generations_claim(run_dir, ticket, true);
}

/*
 * Takes the claims of all tickets, and so of all questions.  Returns their
 * descriptor, or -1 with errno.
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
	int		claims, running, saved = EBUSY;

	if ((claims = generations_claim_all(run_dir)) == -1)
		return -1;
	for (;;) {
		if ((running = generations_runs(run_dir, 0, false)) == -1) {
			saved = errno;
			break;
		}
		if (running == 0)
			return claims;
		if (report != NULL)
			report(context, running);
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
