/*
 * A node among others: how its row of TicketAIRuns lives.
 */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/url.h"
#include "store/postgres/runs.h"

enum { BEGUN_MAX = 4 };		/* how often a lost run is begun again */

static const char *const	runs_wants[] = { "queued", "running", "move",
				    "saving" };

/*
 * Sizes of the arrays in pg_add_servers: for each server a quoted name and a
 * comma, or a number and a comma.
 */
enum { NAMES = SERVERS_MAX * (2 * URL_NAME_MAX + 3) + 3,
    NUMBERS = SERVERS_MAX * 12 + 3 };

static int64_t
pg_later(int64_t now, int64_t ms)
{
	return now + ms * 1000;
}

enum failure_code
node_open(struct node **out, const struct node_wish *wish)
{
	struct node	*n;

	if ((*out = n = calloc(1, sizeof(*n))) == NULL)
		return FAILURE_INTERNAL;
	n->wish = *wish;
	n->fd = n->relay = -1;
	n->server = -1;
	n->here = n->fresh = true;
	n->next = CLOCK_NEVER;		/* slots_try makes the first call */
	(void)gethostname(n->machine, sizeof(n->machine) - 1);
	if ((n->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    !pg_draw_name(n->owner))
		return FAILURE_INTERNAL;
	n->store = pg_make(wish->settings->text[SETTING_DATABASE]);
	return n->store == NULL ? FAILURE_INTERNAL : FAILURE_NONE;
}

const char *
node_error(const struct node *n)
{
	return n == NULL || n->store == NULL ? "no memory" :
	    store_error(n->store);
}

enum node_state
node_state(const struct node *n)
{
	return n->state;
}

int64_t
node_session(const struct node *n)
{
	return n->session;
}

void
node_theirs(const struct node *n, char text_hash[TEXT_HASH + 1],
    char instruction_hash[TEXT_HASH + 1])
{
	const size_t	len = strcspn(n->theirs, " ");

	(void)snprintf(text_hash, TEXT_HASH + 1, "%.*s", (int)len, n->theirs);
	(void)snprintf(instruction_hash, TEXT_HASH + 1, "%s",
	    n->theirs[len] == '\0' ? "" : n->theirs + len + 1);
}

enum frame_state
node_shows(const struct node *n)
{
	return n->shows;
}

enum failure_code
node_failure(const struct node *n)
{
	return n->failure;
}

int
node_fd(const struct node *n)
{
	return n->epoll;
}

/* What to poll for during a call, and until when: clock_us. */
static int64_t
pg_node_wait(const struct node *n, struct pollfd *p)
{
	int64_t	due;

	if (n->relay != -1) {
		*p = (struct pollfd){ .fd = n->relay, .events = POLLIN };
		return n->until;
	}
	due = pg_wait(n->store, p);
	return due < n->until ? due : n->until;
}

int64_t
node_deadline(const struct node *n)
{
	struct pollfd	p;

	return n->call == CALL_NONE ? n->next : pg_node_wait(n, &p);
}

/* Puts the connection's descriptor into the epoll set during a call. */
static void
pg_watch(struct node *n)
{
	struct pollfd		p = { .fd = -1 };
	struct epoll_event	e = { .events = 0 };

	if (n->call != CALL_NONE)
		(void)pg_node_wait(n, &p);
	if (n->fd != -1 && n->fd != p.fd)
		(void)epoll_ctl(n->epoll, EPOLL_CTL_DEL, n->fd, NULL);
	if (p.fd != -1) {
		e.events = ((p.events & POLLIN) != 0 ? (unsigned)EPOLLIN : 0U) |
		    ((p.events & POLLOUT) != 0 ? (unsigned)EPOLLOUT : 0U);
		/* A new descriptor may have the number of a closed one. */
		if (epoll_ctl(n->epoll, EPOLL_CTL_MOD, p.fd, &e) == -1)
			(void)epoll_ctl(n->epoll, EPOLL_CTL_ADD, p.fd, &e);
	}
	n->fd = p.fd;
}

void
runs_now(struct node *n)
{
	n->next = 0;
}

/* The run is over, for us and our viewers. */
static void
pg_node_over(struct node *n, enum failure_code code)
{
	n->failure = code;
	if (n->state != NODE_OURS || n->server == -1)
		n->state = NODE_OVER;
}

static int64_t
pg_node_twice(int64_t pause, int64_t most)
{
	return pause * 2 < most ? pause * 2 : most;
}

/* A call was not answered: tries again, for NODE_PATIENCE or without limit. */
static void
pg_unanswered(struct node *n, int64_t now)
{
	const bool	passes = pg_passes(n->store);
	char		why[512];

	if (n->away == 0) {
		n->away = now;
		log_line(LOG_LEVEL_WARNING, "ticket=%" PRId64
		    " database=lost error=\"%s\"", n->wish.ticket,
		    log_value(why, sizeof(why), store_error(n->store)));
	}
	pg_drop(n->store);
	n->next = pg_later(now, NODE_PAUSE);
	if (n->saving) {
		n->committed = false;
		n->next = pg_later(now, n->pause);
		n->pause = pg_node_twice(n->pause, SAVE_PAUSE_MAX);
		if (n->call == CALL_SAVE && n->until != CLOCK_NEVER) {
			/* A COMMIT that waits for a standby continues without
			   us. */
			n->again = pg_later(now, n->again_pause);
			n->again_pause = pg_node_twice(now >= n->until &&
			    n->again_pause < SAVE_PAUSE_MAX ? SAVE_PAUSE_MAX :
			    n->again_pause, SAVE_AGAIN_MAX);
			n->pause = SAVE_PAUSE_MIN;
		}
		if (!passes) {
			n->rc = FAILURE_STORAGE;
			n->saved = true;
			n->next = CLOCK_NEVER;
		}
	} else if (n->state != NODE_THEIRS && n->server == -1 && (!passes ||
	    now >= pg_later(n->away, NODE_PATIENCE))) {
		pg_node_over(n, FAILURE_STORAGE);
	}
	n->call = CALL_NONE;
}

/* A text in the row that was returned. */
static const char *
pg_node_word(const struct node *n, int column)
{
	return PQgetvalue(n->store->result, 0, column);
}

/* The name of a server in the list, the same on all machines. */
static void
pg_name_of(const struct node *n, int i, char name[URL_NAME_MAX])
{
	url_name(n->list[i].url, n->machine, name);
}

/* The index of the server whose slot we got; -1: none. */
static int
pg_node_server(const struct node *n, int column)
{
	const char	*got = pg_node_word(n, column);
	char		 name[URL_NAME_MAX];
	int		 i;

	for (i = 0; i < n->count && *got != '\0'; i++) {
		pg_name_of(n, i, name);
		if (strcmp(name, got) == 0)
			return i;
	}
	return -1;
}

/* Reads the result of run_begin. */
static void
pg_node_begun(struct node *n, int64_t now)
{
	const char	*verdict = pg_node_word(n, 0);
	const bool	 again = n->state == NODE_OURS;

	n->run = pg_number(n->store->result, 0, 1);
	n->next = pg_later(now, pg_number(n->store->result, 0, 5));
	n->lost = false;
	if (strcmp(verdict, "mine") == 0) {
		n->state = NODE_OURS;
		n->session = pg_number(n->store->result, 0, 2);
		/* A run that uses a server already continues with it. */
		if (again && (n->saving || n->want != WANT_QUEUED)) {
			n->next = n->again = now;
			return;
		}
		n->server = pg_node_server(n, 4);
		n->place = (int)pg_number(n->store->result, 0, 3);
		n->want = n->server == -1 ? WANT_QUEUED : WANT_RUNNING;
	} else if (again && n->saving && strcmp(verdict, "closed") == 0) {
		/* The gate will open again. */
		n->run = 0;
		n->lost = true;
		n->next = pg_later(now, SAVE_PAUSE_MAX);
	} else if (again) {
		pg_node_over(n, FAILURE_INTERRUPTED);
		n->run = 0;
		n->rc = strcmp(verdict, "unknown") == 0 ?
		    FAILURE_UNKNOWN_TICKET : FAILURE_INTERRUPTED;
		n->saved = n->done = n->saving;
		if (n->saving)
			n->next = CLOCK_NEVER;
	} else if (strcmp(verdict, "busy") == 0) {
		n->state = NODE_THEIRS;
		n->shows = FRAME_STATE__MAX;
		n->session = pg_number(n->store->result, 0, 2);
		(void)snprintf(n->theirs, sizeof(n->theirs), "%s",
		    pg_node_word(n, 6));
		n->next = now;
	} else if (strcmp(verdict, "answered") == 0) {
		n->state = NODE_LATE;
		n->next = CLOCK_NEVER;
	} else {
		pg_node_over(n, strcmp(verdict, "unknown") == 0 ?
		    FAILURE_UNKNOWN_TICKET : strcmp(verdict, "full") == 0 ?
		    FAILURE_QUEUE_FULL : strcmp(verdict, "thread_full") == 0 ?
		    FAILURE_THREAD_FULL : FAILURE_SHUTTING_DOWN);
		n->run = 0;
		n->next = CLOCK_NEVER;
	}
}

/* Reads the result of run_renew. */
static void
pg_node_renewed(struct node *n, int64_t now)
{
	const char *verdict = pg_node_word(n, 0), *stop = pg_node_word(n, 1);
	int		 got = pg_node_server(n, 3);

	n->next = pg_later(now, pg_number(n->store->result, 0, 4));
	/* NULL: the row was locked, so nothing is known about other viewers. */
	if (!PQgetisnull(n->store->result, 0, 5)) {
		n->others = pg_number(n->store->result, 0, 5) != 0;
		n->fresh |= n->fresh_call;
	}
	if (strcmp(verdict, "gone") == 0) {
		/* Lost in a crash of the server: begin again under the same
		   name. */
		n->run = 0;
		n->next = now;
		n->lost = ++n->begun < BEGUN_MAX;
		if (!n->lost)
			pg_node_over(n, FAILURE_INTERRUPTED);
		return;
	}
	if (*stop != '\0' && !n->saving)
		pg_node_over(n, failure_from_name(stop, strlen(stop)));
	if (strcmp(verdict, "over") == 0) {
		n->run = 0;
		if (!n->saving)
			return;
	}
	if (n->wanted == WANT_SAVING) {
		/* If the run is over, save now: run_save says how it ended. */
		if (n->run == 0)
			n->again = now;
		n->committed = *pg_node_word(n, 3) == '\0';
		n->next = !n->committed ? pg_later(now, SAVE_PAUSE_MIN) :
		    n->again < pg_later(now, SAVE_RENEW) ? n->again :
		    pg_later(now, SAVE_RENEW);
	} else if (n->wanted == WANT_MOVE) {
		n->moved = got == n->server ? -1 : got;
		n->server = got == -1 ? n->server : got;
	} else if (n->wanted == WANT_QUEUED && n->want == WANT_QUEUED) {
		n->server = got;
		n->place = (int)pg_number(n->store->result, 0, 2);
		n->want = got == -1 ? WANT_QUEUED : WANT_RUNNING;
	}
	if (n->want != n->wanted && n->want != WANT_RUNNING)
		n->next = now;
}

/* Reads the result of run_save. */
static void
pg_node_saved(struct node *n)
{
	const char	*verdict = pg_node_word(n, 0);

	n->saved = n->done = true;
	n->versions = pg_number(n->store->result, 0, 1);
	n->rc = strcmp(verdict, "done") == 0 ? FAILURE_NONE :
	    strcmp(verdict, "lost") == 0 ? FAILURE_INTERRUPTED :
	    FAILURE_UNKNOWN_TICKET;
	n->next = CLOCK_NEVER;
}

/* Reads the result of run_watch: what became of the other node's run. */
static void
pg_node_watched(struct node *n, int64_t now)
{
	const char	*what = pg_node_word(n, 0);

	n->next = pg_later(now, NODE_WATCH);
	if (strcmp(what, "queued") == 0) {
		n->shows = FRAME_QUEUED;
	} else if (strcmp(what, "running") == 0) {
		n->shows = FRAME_GENERATING;
	} else if (strcmp(what, "saving") == 0) {
		n->shows = FRAME_SAVING;
	} else if (strcmp(what, "saved") == 0) {
		n->state = NODE_LATE;
		n->run = 0;		/* another node's run: not ours to
					   end */
		n->next = CLOCK_NEVER;
	} else if (strcmp(what, "over") == 0 || strcmp(what, "gone") == 0) {
		/* After a crash of the server, the owner begins its lost run
		   again. */
		n->state = NODE_ASKING;
		n->stop = false;
		n->run = 0;
		n->next = *what == 'o' ? now : pg_later(now, NODE_GRACE);
		if (!pg_draw_name(n->owner))
			pg_node_over(n, FAILURE_INTERNAL);
	} else {
		n->run = 0;
		pg_node_over(n, failure_from_name(what, strlen(what)));
	}
}

/* A call was answered. */
static void
pg_node_answered(struct node *n, int64_t now)
{
	const enum runs_call	call = n->call;

	if (n->away != 0)
		log_line(LOG_LEVEL_INFO, "ticket=%" PRId64 " database=back",
		    n->wish.ticket);
	n->away = 0;
	n->call = CALL_NONE;
	if (call == CALL_BEGIN) {
		pg_node_begun(n, now);
	} else if (call == CALL_RENEW) {
		pg_node_renewed(n, now);
	} else if (call == CALL_SAVE) {
		pg_node_saved(n);
	} else if (call == CALL_WATCH) {
		pg_node_watched(n, now);
	} else if (call == CALL_STOP) {
		n->stop = false;
		n->done = n->code != FAILURE_NONE;
		n->next = now;
	} else {
		n->done = true;
		n->next = CLOCK_NEVER;
	}
	/* Keep no connection while waiting. */
	if (n->state != NODE_OURS || n->want == WANT_QUEUED ||
	    (n->saving && n->next > now))
		pg_drop(n->store);
}

/* Chooses the next call. */
static enum runs_call
pg_choose(const struct node *n, int64_t now)
{
	if (n->code != FAILURE_NONE)
		return n->stop ? CALL_STOP : CALL_END;
	if (n->state == NODE_THEIRS)
		return n->stop ? CALL_STOP : CALL_WATCH;
	if (n->saving && !n->lost)
		return n->run == 0 || (n->committed && now >= n->again) ?
		    CALL_SAVE : CALL_RENEW;
	return n->run == 0 ? CALL_BEGIN : CALL_RENEW;
}

static void
pg_word(struct pg_args *a, const char *text)
{
	pg_text(a, text, strlen(text));
}

/* Adds the servers' names and slots as PostgreSQL arrays: {"a","b"} and
   {1,2}. */
static void
pg_add_servers(const struct node *n, struct pg_args *a, char names[NAMES],
    char slots[NUMBERS])
{
	char	name[URL_NAME_MAX], *p = names, *c;
	size_t	len = 0;
	int	i;

	*p++ = '{';
	for (i = 0; i < n->count; i++) {
		pg_name_of(n, i, name);
		*p++ = '"';
		for (c = name; *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				*p++ = '\\';
			*p++ = *c;
		}
		*p++ = '"';
		*p++ = ',';
		len += (size_t)snprintf(slots + len, NUMBERS - len, "%c%d",
		    i == 0 ? '{' : ',', n->list[i].slots);
	}
	p[n->count == 0 ? 0 : -1] = '}';
	p += n->count == 0;
	slots[len++] = '}';
	pg_text(a, names, (size_t)(p - names));
	pg_text(a, slots, len);
}

/* Sends a call, to the resident or over our connection. */
static bool
pg_node_send(struct node *n, enum statement statement, const struct pg_args *a)
{
	return n->store->db == NULL ? relay_start(n, statement, a) :
	    pg_call(n->store, statement, a) == FAILURE_NONE;
}

static bool
pg_call_begin(struct node *n)
{
	const struct settings	*s = n->wish.settings;
	struct pg_args		 a = { .count = 0 };
	char			 names[NAMES], slots[NUMBERS];
	char			 about[sizeof(n->theirs)];

	pg_int(&a, n->wish.ticket);
	pg_word(&a, n->owner);
	pg_int(&a, n->wish.follows != 0 ? n->wish.follows : n->wish.seen);
	pg_int(&a, s->number[SETTING_TICKETS] == TICKETS_EXISTING);
	pg_word(&a, n->wish.user == NULL ? "" : n->wish.user);
	pg_word(&a, n->machine);
	pg_int(&a, n->here);
	/* A lost run had its place in the queue already. */
	pg_int(&a, n->lost ? INT_MAX : n->most);
	pg_add_servers(n, &a, names, slots);
	pg_word(&a, n->wish.question);
	pg_int(&a, THREAD_MAX);
	(void)snprintf(about, sizeof(about), "%s %s", n->wish.text_hash,
	    n->wish.instruction_hash);
	pg_word(&a, about);
	return pg_node_send(n, STATEMENT_RUN_BEGIN, &a);
}

static bool
pg_call_renew(struct node *n)
{
	struct pg_args	a = { .count = 0 };
	char		names[NAMES], slots[NUMBERS], used[URL_NAME_MAX] = "";

	n->wanted = n->saving ? WANT_SAVING : n->want;
	n->fresh_call = true;
	if (n->server >= 0)
		pg_name_of(n, n->server, used);
	pg_int(&a, n->run);
	pg_word(&a, n->owner);
	pg_word(&a, runs_wants[n->wanted]);
	pg_word(&a, used);
	pg_int(&a, n->here);
	pg_add_servers(n, &a, names, slots);
	return pg_node_send(n, STATEMENT_RUN_RENEW, &a);
}

static bool
pg_call_save(struct node *n)
{
	const struct cost	*c = n->all.cost;
	const int64_t		 number[] = { c->prompt_tokens,
				    c->answer_tokens, c->queued,
				    c->first_token, c->total, c->load,
				    c->prompt, c->answer };
	struct buf		 given = BUF_INIT(OUTPUT_MAX);
	struct pg_args		 a = { .count = 0 };
	size_t			 i;
	bool			 sent;

	if (pg_sources(&given, &n->all) == -1)
		return pg_refuse(n->store, FAILURE_STORAGE, "no memory") ==
		    FAILURE_NONE;
	pg_int(&a, n->run);
	pg_word(&a, n->owner);
	pg_int(&a, n->session);
	pg_text(&a, n->all.prompt, n->all.prompt_len);
	pg_word(&a, n->wish.text_hash);
	pg_text(&a, n->all.response, n->all.response_len);
	pg_word(&a, c->model);
	pg_word(&a, c->done_reason);
	for (i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		pg_int(&a, number[i]);
	pg_text(&a, n->all.instruction, n->all.instruction_len);
	pg_word(&a, n->all.prompt_name);
	pg_word(&a, n->all.user);
	pg_word(&a, n->all.server);
	pg_text(&a, n->all.model_text, n->all.model_text_len);
	pg_text(&a, given.data, given.len);
	sent = pg_node_send(n, STATEMENT_RUN_SAVE, &a);
	buf_free(&given);
	return sent;
}

/* Sends the call.  Returns false on error. */
static bool
pg_send_call(struct node *n)
{
	struct pg_args	a = { .count = 0 };

	switch (n->call) {
	case CALL_BEGIN:
		return pg_call_begin(n);
	case CALL_RENEW:
		return pg_call_renew(n);
	case CALL_SAVE:
		return pg_call_save(n);
	case CALL_WATCH:
		pg_int(&a, n->run);
		pg_int(&a, n->session);
		pg_int(&a, n->here);
		return pg_node_send(n, STATEMENT_RUN_WATCH, &a);
	case CALL_STOP:
		pg_int(&a, n->wish.ticket);
		pg_word(&a, n->wish.question);
		return pg_node_send(n, STATEMENT_RUN_STOP_ONE, &a);
	case CALL_END:
	case CALL_NONE:
	default:
		pg_int(&a, n->run);
		pg_word(&a, n->owner);
		pg_word(&a, failure_name(n->code));
		return pg_node_send(n, STATEMENT_RUN_END, &a);
	}
}

/* After connecting: checks that the schema is ours. */
static bool
pg_connected(struct node *n)
{
	if (n->store->version == SCHEMA_VERSION)
		return true;
	if (n->saving) {
		n->rc = FAILURE_SCHEMA;
		n->saved = true;
	} else {
		pg_node_over(n, FAILURE_SCHEMA);
	}
	n->call = CALL_NONE;
	n->next = CLOCK_NEVER;
	pg_drop(n->store);
	return false;
}

/* Whether the resident may make the call: the run begins, or waits. */
static bool
pg_is_relayed(const struct node *n)
{
	return !n->saving && (n->call == CALL_BEGIN || n->call == CALL_WATCH ||
	    (n->call == CALL_RENEW && n->want == WANT_QUEUED));
}

/* Begins the next call; if it is not relayed, connects first if necessary. */
static bool
pg_node_start(struct node *n, int64_t now)
{
	n->call = pg_choose(n, now);
	if (n->store->db == NULL && pg_is_relayed(n) && pg_send_call(n)) {
		n->until = pg_later(now, QUERY_HEARD);
		return true;
	}
	n->until = CLOCK_NEVER;
	if (n->store->db == NULL)
		return pg_start(n->store) == FAILURE_NONE;
	n->until = pg_later(now, CALL_TIMEOUT);
	return pg_send_call(n);
}

/* Continues a call that the resident makes.  If it cannot, makes it over a
   connection of our own. */
static enum pg_progress
pg_go_on_relayed(struct node *n, int64_t now)
{
	const enum pg_progress	rc = relay_step(n, now);

	if (rc != PG_FAILED)
		return rc;
	n->until = CLOCK_NEVER;
	return pg_start(n->store) == FAILURE_NONE ? PG_MORE : PG_FAILED;
}

/* Continues a call. */
static enum pg_progress
pg_go_on(struct node *n, int64_t now)
{
	enum pg_progress	rc;

	if (n->relay != -1)
		return pg_go_on_relayed(n, now);
	rc = pg_step(n->store);
	if (n->until == CLOCK_NEVER && rc == PG_DONE) {
		if (!pg_connected(n))
			return PG_DONE;
		n->until = pg_later(now, CALL_TIMEOUT);
		rc = pg_send_call(n) ? pg_step(n->store) : PG_FAILED;
	}
	if (rc == PG_MORE && now >= n->until) {
		(void)pg_refuse(n->store, FAILURE_STORAGE,
		    "the database does not answer");
		rc = PG_FAILED;
	}
	/* With a warning, the COMMIT may not have reached a standby. */
	if (rc == PG_DONE && n->call == CALL_SAVE && n->store->warned)
		rc = PG_FAILED;
	return rc;
}

void
node_step(struct node *n, int64_t now)
{
	enum pg_progress	rc;

	if (n->call == CALL_NONE && (n->done || now < n->next))
		return;
	rc = n->call != CALL_NONE || pg_node_start(n, now) ? pg_go_on(n, now)
							   : PG_FAILED;
	if (n->call != CALL_NONE && rc == PG_FAILED)
		pg_unanswered(n, now);
	else if (n->call != CALL_NONE && rc == PG_DONE)
		pg_node_answered(n, now);
	pg_watch(n);
}

void
runs_wait(struct node *n, int ms)
{
	const int64_t	until = pg_later(clock_us(), ms);
	struct pollfd	p;
	int64_t		now, due;

	while ((now = clock_us()) < until && (n->call != CALL_NONE ||
	    n->next == 0)) {
		node_step(n, now);
		if (n->call == CALL_NONE)
			continue;
		due = pg_node_wait(n, &p);
		(void)poll(&p, 1, clock_poll(now, due < until ? due : until));
	}
}

void
node_viewers(struct node *n, bool here)
{
	if (n->here == here)
		return;
	n->here = here;
	n->fresh = n->fresh_call = false;
	if (n->state == NODE_OURS && !n->saving)
		runs_now(n);
}

bool
node_watched(const struct node *n)
{
	return !n->fresh || n->others;
}

void
node_say_stop(struct node *n)
{
	n->stop = true;
	if (n->state == NODE_THEIRS)
		runs_now(n);
}

enum failure_code
node_save(struct node *n, const struct answered *all, int64_t *versions)
{
	*versions = 0;
	if (!n->saving) {
		n->saving = true;
		n->all = *all;
		n->pause = n->again_pause = SAVE_PAUSE_MIN;
		runs_now(n);
		node_step(n, clock_us());
	}
	if (!n->saved)
		return FAILURE_STORAGE;
	*versions = n->versions;
	return n->rc;
}

bool
node_again(const struct node *n)
{
	return !n->saved;
}

bool
node_saved(const struct node *n)
{
	return n->saved;
}

void
node_hurry(struct node *n)
{
	const int64_t	until = pg_later(clock_us(), NODE_LINGER);

	while (n->saving && !n->saved && clock_us() < until) {
		n->again = 0;
		if (n->call == CALL_NONE)
			runs_now(n);
		runs_wait(n, NODE_LINGER);
		if (!n->saved)
			(void)poll(NULL, 0, SAVE_PAUSE_MIN);
	}
}

void
node_release(struct node *n, enum failure_code code)
{
	int	i;

	if (n == NULL || n->store == NULL)
		return;
	/* Wait for a run that is just being begun, so that it ends, too. */
	runs_wait(n, NODE_LINGER);
	if (n->state != NODE_ASKING && n->state != NODE_THEIRS)
		n->stop = false;
	else if (!n->stop)
		n->done = true;
	if (n->run == 0 && !n->stop)
		n->done = true;
	n->code = code == FAILURE_NONE ? FAILURE_INTERRUPTED : code;
	/* Twice, in case the connection was lost. */
	for (i = 0; i < 2 && !n->done; i++) {
		runs_now(n);
		runs_wait(n, NODE_LINGER);
	}
	relay_end(n);
	pg_drop(n->store);
	n->call = CALL_NONE;
	n->next = CLOCK_NEVER;
	n->done = true;
	pg_watch(n);
}

void
node_close(struct node *n)
{
	if (n == NULL)
		return;
	relay_end(n);
	store_close(n->store);
	if (n->epoll != -1)
		(void)close(n->epoll);
	free(n);
}
