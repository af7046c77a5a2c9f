/*
 * The slots of the model's servers, as advisory locks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "among.h"
#include "clock.h"
#include "limit.h"
#include "slots.h"

/* An array as PostgreSQL reads it: {1,2,3}. */
struct array {
	char	text[SERVERS_MAX * 24 + 3];
	size_t	len;
};

static void
array_add(struct array *a, uint64_t n)
{
	a->len += (size_t)snprintf(a->text + a->len, sizeof(a->text) - a->len,
	    "%c%" PRIu64, a->len == 0 ? '{' : ',', n);
}

/* Waits until nothing is on its way, so that we may ask. */
static bool
is_quiet(struct node *n)
{
	const int64_t	until = clock_us() + STORE_TIMEOUT * INT64_C(1000);

	while (n->connected && n->sent != SENT_NOTHING && clock_us() < until) {
		if (pg_settle(n->store) != FAILURE_NONE)
			n->store->broken = true;
		owner_step(n, clock_us());
	}
	return n->connected && n->sent == SENT_NOTHING;
}

/* The database is gone: -1 while it may come back; we wait anyway. */
static int
no_answer(struct node *n)
{
	const int64_t	now = clock_us();

	if (PQstatus(n->store->db) != CONNECTION_OK)
		n->store->broken = true;
	owner_step(n, now);
	return n->away == 0 || now >= n->away + NODE_PATIENCE * INT64_C(1000) ?
	    -2 : -1;
}

int
slots_take(struct node *n, const struct slots_server *servers, int count,
    int ahead)
{
	struct array	 keys = { .len = 0 }, slots = { .len = 0 };
	struct pg_args	 a = { .count = 0 };
	PGresult	*res;
	int64_t		 lock;
	int		 i;

	if (!is_quiet(n))
		return no_answer(n);
	for (i = 0; i < count && i < SERVERS_MAX; i++) {
		array_add(&keys, servers[i].key);
		array_add(&slots, (uint64_t)servers[i].slots);
	}
	keys.text[keys.len++] = slots.text[slots.len++] = '}';
	pg_text(&a, keys.text, keys.len);
	pg_text(&a, slots.text, slots.len);
	pg_int(&a, ahead);
	pg_int(&a, n->slot);
	if (pg_query(n->store, STATEMENT_SLOT_TAKE, &a, &res) != FAILURE_NONE)
		return no_answer(n);
	i = (int)pg_number(res, 0, 0) - 1;
	lock = pg_number(res, 0, 1);
	PQclear(res);
	if (i >= 0)
		n->slot = lock;
	return i;
}

void
slots_release(struct node *n)
{
	struct pg_args	a = { .count = 0 };

	if (n->slot == 0 || !is_quiet(n))
		return;		/* a connection that is gone has none */
	pg_int(&a, n->slot);
	n->slot = 0;
	(void)pg_run(n->store, STATEMENT_SLOT_GIVE, &a, NULL);
}
