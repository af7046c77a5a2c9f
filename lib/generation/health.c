/*
 * The file RUN_DIR/health: an array of records, one for each failed server.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/lock.h"
#include "generation/health.h"

/*
 * How long a server that has failed is not asked, in ms: doubled each time from
 * the first to the last.  A restart takes seconds, and a server that is back
 * after a night should not be idle for long.
 */
#define HEALTH_PAUSE_MIN	2000
#define HEALTH_PAUSE_MAX	60000

struct health {
	int	fd;
	struct record {
		uint64_t	server;		/* url_key; 0: unused */
		int64_t		again;
		int64_t		pause;		/* the last one, milliseconds */
	}	record[HEALTH_RECORDS];
};

struct health *
health_open(const char *run_dir)
{
	struct health	*h = calloc(1, sizeof(*h));

	if (h == NULL || (h->fd = lock_open(run_dir, "health")) != -1)
		return h;
	free(h);
	return NULL;
}

void
health_read(struct health *h)
{
	ssize_t	n;

	if (h == NULL)
		return;
	if ((n = pread(h->fd, h->record, sizeof(h->record), 0)) < 0)
		n = 0;
	memset((char *)h->record + n, 0, sizeof(h->record) - (size_t)n);
}

/* The record of a server.  If the server has none, the record that it may use:
   an unused one, else the oldest. */
static struct record *
health_find(struct health *h, uint64_t server)
{
	struct record	*best = h->record, *r;

	for (r = h->record; r < h->record + HEALTH_RECORDS; r++) {
		if (r->server == server)
			return r;
		if (best->server != 0 && (r->server == 0 ||
		    r->again < best->again))
			best = r;
	}
	return best;
}

/*
 * Writes a record without a lock.  A concurrent writer's change may be lost;
 * the next failure writes it again.
 */
static void
health_write(struct health *h, const struct record *r)
{
	(void)!pwrite(h->fd, r, sizeof(*r),
	    (r - h->record) * (off_t)sizeof(*r));
}

int64_t
health_again(struct health *h, uint64_t server, int64_t now)
{
	const struct record	*r;

	if (h == NULL)
		return 0;
	r = health_find(h, server);
	/* Too far in the future: written before a reboot, which set clock_us
	   back to 0. */
	if (r->server != server ||
	    r->again > now + HEALTH_PAUSE_MAX * INT64_C(1000))
		return 0;
	return r->again;
}

int64_t
health_failed(struct health *h, uint64_t server, int64_t now)
{
	struct record	*r;

	if (h == NULL)
		return now + HEALTH_PAUSE_MIN * INT64_C(1000);
	health_read(h);
	r = health_find(h, server);
	if (health_again(h, server, now) > now)
		return r->again;	/* other processes met the same
					   failure */
	if (r->server != server || r->pause < HEALTH_PAUSE_MIN)
		r->pause = HEALTH_PAUSE_MIN;
	else if (r->pause > HEALTH_PAUSE_MAX / 2)
		r->pause = HEALTH_PAUSE_MAX;
	else
		r->pause *= 2;
	r->server = server;
	r->again = now + r->pause * 1000;
	health_write(h, r);
	return r->again;
}

void
health_good(struct health *h, uint64_t server)
{
	struct record	*r;

	if (h == NULL)
		return;
	health_read(h);
	r = health_find(h, server);
	if (r->server != server)
		return;
	memset(r, 0, sizeof(*r));
	health_write(h, r);
}

void
health_close(struct health *h)
{
	if (h != NULL)
		(void)close(h->fd);
	free(h);
}
