/*
 * The servers' health.
 */
#include <string.h>
#include <unistd.h>

#include "health.h"
#include "lock.h"

void
health_open(struct health *h, const char *run_dir)
{
	h->fd = lock_open(run_dir, "health");
}

void
health_read(struct health *h)
{
	ssize_t	n = 0;

	if (h->fd != -1)
		n = pread(h->fd, h->record, sizeof(h->record), 0);
	n = n < 0 ? 0 : n;
	memset((char *)h->record + n, 0, sizeof(h->record) - (size_t)n);
}

/* A server's record; or the one that it may have: a free one, else the oldest.
 */
static struct health_record *
find(struct health *h, uint64_t server)
{
	struct health_record	*best = h->record, *r;

	for (r = h->record; r < h->record + HEALTH_RECORDS; r++) {
		if (r->server == server)
			return r;
		if (best->server != 0 && (r->server == 0 ||
		    r->again < best->again))
			best = r;
	}
	return best;
}

/* One writer may undo what another one wrote just now: it will come again. */
static void
keep(struct health *h, const struct health_record *r)
{
	if (h->fd != -1)
		(void)!pwrite(h->fd, r, sizeof(*r),
		    (r - h->record) * (off_t)sizeof(*r));
}

int64_t
health_again(struct health *h, uint64_t server, int64_t now)
{
	const struct health_record	*r = find(h, server);

	/* A time that nobody can have written: the clock has begun anew. */
	if (r->server != server ||
	    r->again > now + HEALTH_PAUSE_MAX * INT64_C(1000))
		return 0;
	return r->again;
}

int64_t
health_failed(struct health *h, uint64_t server, int64_t now)
{
	struct health_record	*r;

	health_read(h);
	r = find(h, server);
	if (health_again(h, server, now) > now)
		return r->again;	/* several have met the same failure */
	r->pause = r->server == server ? r->pause / 1000 * 2 : 0;
	if (r->pause < HEALTH_PAUSE_MIN)
		r->pause = HEALTH_PAUSE_MIN;
	if (r->pause > HEALTH_PAUSE_MAX)
		r->pause = HEALTH_PAUSE_MAX;
	r->pause *= 1000;
	r->server = server;
	r->again = now + r->pause;
	keep(h, r);
	return r->again;
}

void
health_good(struct health *h, uint64_t server)
{
	struct health_record	*r;

	health_read(h);
	r = find(h, server);
	if (r->server != server)
		return;
	memset(r, 0, sizeof(*r));
	keep(h, r);
}

void
health_close(struct health *h)
{
	if (h->fd != -1)
		(void)close(h->fd);
	h->fd = -1;
}
