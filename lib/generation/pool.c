/*
 * The upstreams of a generation: see pool.h.
 */
#include "base/clock.h"
#include "base/log.h"
#include "generation/pool.h"

void
pool_open(struct pool *p, const struct settings *s, bool alone)
{
	const char	*list = s->text[SETTING_OLLAMA_SERVER];
	struct url	 u;

	p->settings = s;
	p->alone = alone;
	p->chosen = -1;
	while (p->count < SERVERS_MAX && url_next(&list, &u)) {
		p->server[p->count].url = u;
		p->slots[p->count].url = &p->server[p->count].url;
		p->slots[p->count++].key = url_key(u.text, u.base);
	}
	if (p->count > 1 && !alone)
		p->health = health_open(s->text[SETTING_RUN_DIR]);
}

/* Updates which servers may be asked now; the others get 0 slots. */
static void
pool_update(struct pool *p)
{
	const int	parallel =
			    (int)p->settings->number[SETTING_GENERATIONS];
	const int64_t	now = clock_us();
	int64_t		again;
	bool		well = false;
	int		i;

	health_read(p->health);
	for (i = 0; i < p->count; i++) {
		struct pool_server	*s = &p->server[i];

		again = health_again(p->health, p->slots[i].key, now);
		s->again = again > s->again ? again : s->again;
		well = well || s->again <= now;
	}
	for (i = 0; i < p->count; i++) {
		const struct pool_server	*s = &p->server[i];

		p->slots[i].slots = (well ? s->again <= now : !s->tried) ?
		    parallel * s->url.weight : 0;
	}
}

int
pool_try(struct pool *p, struct slot *slot, struct node *node, int max)
{
	int	rc;

	pool_update(p);
	if (p->alone) {
		for (p->chosen = 0; p->chosen < p->count - 1 &&
		    p->slots[p->chosen].slots == 0; )
			p->chosen++;
		return 0;
	}
	rc = slots_try(node, slot, p->slots, p->count, max);
	if (rc == 0)
		p->chosen = slot->server;
	return rc;
}

bool
pool_more(const struct pool *p)
{
	int	i;

	for (i = 0; i < p->count; i++) {
		if (i != p->chosen && !p->server[i].tried)
			return true;
	}
	return false;
}

/* Notes that the chosen server has failed. */
static void
pool_failed(struct pool *p)
{
	struct pool_server	*s = &p->server[p->chosen];

	s->tried = true;
	s->again = health_failed(p->health, p->slots[p->chosen].key,
	    clock_us());
}

void
pool_pass_over(struct pool *p, struct node *node, enum failure_code code,
    const char *reason)
{
	const struct url	*u = &p->server[p->chosen].url;
	char			 why[512];

	log_line(LOG_LEVEL_WARNING, "passed_over=\"%.*s\" code=%s"
	    " reason=\"%s\"", (int)u->len, u->text, failure_name(code),
	    log_value(why, sizeof(why), reason));
	pool_failed(p);
	if (!p->alone)
		slots_release(node);
	p->chosen = -1;
}

void
pool_end(struct pool *p, enum pool_end how)
{
	if (p->chosen == -1)
		return;
	if (how == POOL_FAILED)
		pool_failed(p);
	else if (how == POOL_GOOD)
		health_good(p->health, p->slots[p->chosen].key);
}
