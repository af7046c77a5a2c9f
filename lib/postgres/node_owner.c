/*
 * The node that generates: it tells others what there is, and never waits for
 * the database meanwhile.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "among.h"
#include "clock.h"
#include "limit.h"
#include "log.h"

static int64_t
later(int64_t now, int64_t ms)
{
	return now + ms * 1000;
}

/* The connection is gone, and the ticket with it: begins another one. */
static void
disconnected(struct node *n, int64_t now)
{
	const char	*error = PQerrorMessage(n->store->db);
	char		 line[256], why[512];

	/* Its first line: the others guess at causes. */
	(void)snprintf(line, sizeof(line), "%.*s",
	    (int)strcspn(error, "\n"), error);
	if (n->connected)
		log_line(LOG_LEVEL_WARNING, "ticket=%lld database=lost "
		    "error=\"%s\"", (long long)n->ticket, log_value(why,
		    sizeof(why), line));
	if (n->away == 0)
		n->away = now;
	n->connected = n->resetting = false;
	n->sent = SENT_NOTHING;
	n->next = later(now, NODE_PAUSE);
}

/* Goes on with connecting anew. */
static void
reset(struct node *n, int64_t now)
{
	struct pollfd			p = { .events = POLLIN | POLLOUT };
	PostgresPollingStatusType	s = PGRES_POLLING_WRITING;
	PGconn				*db = n->store->db;

	if (!n->resetting) {
		n->resetting = PQresetStart(db) == 1;
		n->reset_by = later(now, STORE_TIMEOUT);
	} else {
		p.fd = PQsocket(db);
		if (poll(&p, 1, 0) == 1)
			s = PQresetPoll(db);
	}
	n->next = later(now, NODE_SOON);
	if (n->resetting && now >= n->reset_by) {
		/* A machine that says nothing: libpq takes the next address. */
		(void)shutdown(PQsocket(db), SHUT_RDWR);
		n->reset_by = later(now, STORE_TIMEOUT);
	}
	if (!n->resetting || s == PGRES_POLLING_FAILED) {
		disconnected(n, now);
	} else if (s == PGRES_POLLING_OK) {
		n->resetting = n->store->broken = false;
		among_watch(n);
		(void)PQsetnonblocking(db, 1);
		n->sent = SENT_OPEN;
		if (PQsendQuery(db, store_statements[STATEMENT_OPEN]) != 1)
			disconnected(n, now);
	}
}

/* What the server has to say to the ticket of this connection. */
static void
taken(struct node *n, const PGresult *res, int64_t now)
{
	const int64_t	run = pg_number(res, 0, 0);

	/* It may be our own old connection, which the server believes in. */
	if (run == 0 && now < later(n->away, NODE_PATIENCE)) {
		disconnected(n, now);
		return;
	}
	if (run <= 0) {
		n->lost = true;		/* others have been quicker */
		return;
	}
	n->connected = true;
	n->away = 0;
	log_line(LOG_LEVEL_INFO, "ticket=%lld database=back",
	    (long long)n->ticket);
}

/* An answer has come to what was sent. */
static void
answered(struct node *n, const PGresult *res, int64_t now)
{
	const enum among_sent	sent = n->sent;
	const bool		good = PQresultStatus(res) ==
				    PGRES_COMMAND_OK ||
				    PQresultStatus(res) == PGRES_TUPLES_OK;

	if (!good && PQstatus(n->store->db) != CONNECTION_OK) {
		disconnected(n, now);
	} else if (sent == SENT_TAKE) {
		if (good)
			taken(n, res, now);
		else
			disconnected(n, now);
	} else if (sent == SENT_FRAMES && good) {
		n->told = n->telling;
		n->seq++;
	} else if (sent == SENT_FRAMES) {
		/* A disk that is full, say: they are sent again. */
		n->next = later(now, NODE_PAUSE);
	}
}

/* Takes all that has come; after SENT_OPEN asks for the ticket. */
static void
receive(struct node *n, int64_t now)
{
	struct pg_args	 a;
	PGresult	*res;

	if (PQconsumeInput(n->store->db) != 1 || PQflush(n->store->db) == -1) {
		disconnected(n, now);
		return;
	}
	while (n->sent != SENT_NOTHING && PQisBusy(n->store->db) == 0) {
		if ((res = PQgetResult(n->store->db)) != NULL) {
			answered(n, res, now);
			PQclear(res);
			continue;
		}
		if (n->sent == SENT_OPEN) {
			among_take_args(n, &a);
			n->sent = SENT_TAKE;
			if (!pg_send(n->store, STATEMENT_TICKET_TAKE, &a))
				disconnected(n, now);
			return;
		}
		n->sent = SENT_NOTHING;
	}
}

/* Hears those who follow. */
static void
hear(struct node *n, int64_t now)
{
	PGnotify	*note;

	while ((note = PQnotifies(n->store->db)) != NULL) {
		if (strcmp(note->extra, "join") == 0)
			n->watched = later(now, NODE_WATCHED);
		else if (strcmp(note->extra, "stop") == 0)
			n->stopped = true;
		PQfreemem(note);
	}
	if (n->watched != 0 && now >= n->watched)
		n->watched = 0;
}

/* Up to which byte one row of whole lines goes. */
static size_t
piece(const struct node *n)
{
	const char	*from = n->frames->data + n->told, *end;
	size_t		 len = n->frames->len - n->told;

	if (len <= NODE_LINES)
		return n->told + len;
	end = memrchr(from, '\n', NODE_LINES);
	return end == NULL ? n->frames->len :
	    (size_t)(end + 1 - n->frames->data);
}

/* Sends what they have not got. */
static void
tell(struct node *n, int64_t now)
{
	struct pg_args	a = { .count = 0 };

	/* What was on its way when a connection broke goes again as it was. */
	if (n->telling <= n->told) {
		n->telling = n->frames->len == n->told ? n->told : piece(n);
		(void)snprintf(n->status_told, sizeof(n->status_told), "%s",
		    n->status);
	}
	pg_int(&a, n->ticket);
	pg_int(&a, n->session);
	pg_int(&a, n->run);
	pg_int(&a, n->seq + 1);
	pg_text(&a, n->frames->len == 0 ? "" : n->frames->data + n->told,
	    n->telling - n->told);
	pg_text(&a, n->status_told, strlen(n->status_told));
	n->sent = SENT_FRAMES;
	n->next = later(now, NODE_BATCH);
	if (!pg_send(n->store, STATEMENT_PUBLISH, &a))
		disconnected(n, now);
	else
		(void)PQflush(n->store->db);
}

void
owner_step(struct node *n, int64_t now)
{
	bool	new = false;

	if (n->lost)
		return;
	if (n->sent == SENT_NOTHING)
		n->quiet = now;
	if ((n->connected && n->store->broken) ||
	    now >= later(n->quiet, STORE_TIMEOUT))
		disconnected(n, now);
	if (n->connected || n->sent != SENT_NOTHING)
		receive(n, now);
	else if (now >= n->next)
		reset(n, now);
	if (n->connected) {
		hear(n, now);
		new = n->watched != 0 && n->frames != NULL &&
		    (n->frames->len > n->told || strcmp(n->status,
		    n->status_told) != 0);
	}
	if (new && n->sent == SENT_NOTHING && now >= n->next)
		tell(n, now);
	if (n->sent != SENT_NOTHING)
		n->due = later(now, NODE_SOON);	/* not all may be written */
	else if (new || !n->connected)
		n->due = n->next;
	else
		n->due = n->watched == 0 ? CLOCK_NEVER : n->watched;
}
