/*
 * A node among others: taking a ticket, and giving it up.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "among.h"
#include "clock.h"
#include "limit.h"

enum failure_code
node_open(struct node **out, const struct settings *s, int64_t ticket,
    int64_t session, const struct node_taker *taker)
{
	enum failure_code	 rc;
	struct node		*n;

	if ((*out = n = calloc(1, sizeof(*n))) == NULL)
		return FAILURE_INTERNAL;
	n->settings = s;
	n->ticket = ticket;
	n->session = session;
	n->taker = *taker;
	n->role = NODE_FAILED;
	if ((n->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1)
		return FAILURE_INTERNAL;
	if ((rc = store_open(&n->store, s->text[SETTING_DATABASE])) ==
	    FAILURE_NONE)
		among_watch(n);
	return rc;
}

const char *
node_error(const struct node *n)
{
	return n == NULL ? "no memory" : store_error(n->store);
}

void
among_watch(struct node *n)
{
	struct epoll_event	e = { .events = EPOLLIN };

	/* A socket that was closed has left by itself. */
	(void)epoll_ctl(n->epoll, EPOLL_CTL_ADD, PQsocket(n->store->db), &e);
}

int
node_fd(const struct node *n)
{
	return n->epoll;
}

void
among_take_args(const struct node *n, struct pg_args *a)
{
	a->count = 0;
	pg_int(a, n->ticket);
	pg_int(a, n->session);
	pg_int(a, n->role == NODE_OWNER ? n->run : 0);
	pg_int(a, n->slot);
}

bool
among_take(struct node *n, int64_t *run)
{
	struct pg_args	a;

	among_take_args(n, &a);
	return pg_run(n->store, STATEMENT_TICKET_TAKE, &a, run) ==
	    FAILURE_NONE;
}

bool
among_say(struct node *n, const char *word)
{
	struct pg_args	a = { .count = 0 };

	pg_int(&a, n->ticket);
	pg_text(&a, word, strlen(word));
	return pg_run(n->store, STATEMENT_SAY, &a, NULL) == FAILURE_NONE;
}

enum node_role
node_enter(struct node *n)
{
	int64_t	run;

	n->lost = false;
	n->due = 0;
	if (!among_take(n, &run))
		return n->role = NODE_FAILED;
	if (run > 0) {
		n->run = run;
		n->seq = 0;
		n->connected = true;
		return n->role = NODE_OWNER;
	}
	if (run < 0)
		return n->role = NODE_LATE;
	/* Who has it may be a chat about to begin: we look again soon. */
	n->due = clock_us() + NODE_SOON * INT64_C(1000);
	n->news = n->entered = true;
	n->missing = 0;
	return n->role = NODE_FOLLOWER;
}

int64_t
node_deadline(const struct node *n)
{
	return n->due;
}

void
node_step(struct node *n, int64_t now)
{
	if (n->role == NODE_OWNER)
		owner_step(n, now);
	else if (n->role == NODE_FOLLOWER)
		follower_step(n, now);
}

bool
node_stopped(const struct node *n)
{
	return n->stopped;
}

bool
node_watched(const struct node *n)
{
	return n->watched != 0;
}

bool
node_lost(const struct node *n)
{
	return n->lost;
}

void
node_publish(struct node *n, const struct buf *frames, const char *status)
{
	n->frames = frames;
	n->status = status;
}

void
node_say_stop(struct node *n)
{
	/* Again with each join: he who has the ticket may be away. */
	n->stop = true;
	(void)among_say(n, "stop");
}

static void
rest(int ms)
{
	const struct timespec	pause = { ms / 1000,
				    ms % 1000 * 1000000L };

	(void)nanosleep(&pause, NULL);
}

enum failure_code
node_store(struct node *n, struct store **store)
{
	const int64_t	until = clock_us() + 2 * SAVE_TRY * INT64_C(1000);

	*store = n->store;
	for (;;) {
		owner_step(n, clock_us());
		if (n->lost)
			return FAILURE_INTERRUPTED;
		if (n->connected && n->sent == SENT_NOTHING)
			return FAILURE_NONE;
		if (clock_us() >= until)
			return FAILURE_STORAGE;
		rest(NODE_SOON);
	}
}

bool
node_again(struct node *n)
{
	/* An error of the server's own comes again; a lost connection not. */
	return !n->connected || n->store->broken || n->sent != SENT_NOTHING ||
	    PQstatus(n->store->db) != CONNECTION_OK;
}

/* Tells all the rest to who follows elsewhere, for a while. */
static void
flush(struct node *n)
{
	const int64_t	until = clock_us() + NODE_LINGER * INT64_C(1000);

	while (n->connected && n->watched != 0 && n->frames != NULL &&
	    (n->told < n->frames->len || n->sent != SENT_NOTHING) &&
	    clock_us() < until) {
		n->next = 0;
		owner_step(n, clock_us());
		rest(1);
	}
}

void
node_release(struct node *n)
{
	if (n == NULL)
		return;
	if (n->role == NODE_OWNER)
		flush(n);
	if (n->role == NODE_FOLLOWER || (n->connected &&
	    n->sent == SENT_NOTHING))
		(void)pg_run(n->store, STATEMENT_GIVE_ALL, NULL, NULL);
	n->role = NODE_LATE;
	n->due = CLOCK_NEVER;
	/* What is said about the ticket now would wake us for nothing. */
	(void)epoll_ctl(n->epoll, EPOLL_CTL_DEL, PQsocket(n->store->db), NULL);
}

void
node_close(struct node *n)
{
	struct pg_args	a = { .count = 0 };

	if (n == NULL)
		return;
	if (n->connected && n->sent == SENT_NOTHING && n->seq > 0) {
		if (n->watched != 0)
			rest(NODE_LINGER);	/* they read what is there */
		pg_int(&a, n->session);
		pg_int(&a, n->run);
		(void)pg_run(n->store, STATEMENT_FRAMES_DELETE, &a, NULL);
	}
	store_close(n->store);
	if (n->epoll != -1)
		(void)close(n->epoll);
	free(n);
}
