/*
 * sessions doctor: a database on a server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/url.h"
#include "sessions/doctor.h"
#include "store/store.h"

enum {
	MEGABYTE = 1024 * 1024,
	CONNECTIONS_MORE = 20,	/* more than GENERATIONS: for queries of
				   viewers */
	BUSY = 80	/* percent of its connections in use */
};

/* The columns of STORE_HEAD. */
struct head {
	char	version[64], encoding[32];
	bool	read_only;
	int64_t	connections, most, bytes;
};

static bool
doctor_server_head_row(void *context, const struct cell *c, int cells)
{
	struct head	*h = context;

	(void)cells;
	(void)snprintf(h->version, sizeof(h->version), "%s", c[0].text);
	(void)snprintf(h->encoding, sizeof(h->encoding), "%s", c[1].text);
	h->read_only = strcmp(c[2].text, "0") != 0;
	h->connections = strtoll(c[3].text, NULL, 10);
	h->most = strtoll(c[4].text, NULL, 10);
	h->bytes = strtoll(c[5].text, NULL, 10);
	return true;
}

/* Checks what the server reports about itself. */
static void
doctor_server_examine(struct doctor *d, const char *name, const struct head *h)
{
	const struct settings	*s = d->settings;
	const int64_t		 slots = s->number[SETTING_GENERATIONS] *
				    url_weights(s->text[SETTING_OLLAMA_SERVER]);

	if (strcmp(h->encoding, "UTF8") != 0)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: its encoding is "
		    "%s\nCreate another one: createdb --encoding=UTF8 "
		    "--template=template0", name, h->encoding);
	if (h->read_only)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s is read-only or a "
		    "standby\nSet DATABASE to the primary server", name);
	if (slots + CONNECTIONS_MORE > h->most)
		doctor_tell(d, DOCTOR_WARNING, "database", "%s: "
		    "max_connections is %" PRId64 ", but %" PRId64
		    " generations can run\nA running generation uses one "
		    "connection: raise max_connections, or put pgbouncer in "
		    "front", name, h->most, slots);
	if (h->connections * 100 > h->most * BUSY)
		doctor_tell(d, DOCTOR_WARNING, "database", "%s: %" PRId64 " of "
		    "%" PRId64 " connections are in use\nA running generation "
		    "uses one connection: raise the server's max_connections, "
		    "or put pgbouncer in front",
		    name, h->connections, h->most);
	else
		doctor_tell(d, DOCTOR_OK, "database", "PostgreSQL %s, %"
		    PRId64 " of %" PRId64 " connections in use, %" PRId64 " MB",
		    h->version, h->connections, h->most, h->bytes / MEGABYTE);
}

/* The first host that accepts writes. */
struct writer {
	struct doctor	*doctor;
	char		 name[400];	/* "": none yet */
	uint64_t	 system;
	unsigned long	 timeline;
	int64_t		 started;
};

/*
 * Reports each of several hosts that cannot be used, since it may be needed one
 * day.  Two hosts that accept writes are an error, unless they are the same
 * server: each would save answers that the other one does not have.
 */
static void
doctor_server_host(void *context, const struct store_host *h)
{
	struct writer	*w = context;
	const char	*colon = *h->port == '\0' ? "" : ":";

	if (*h->wrong != '\0')
		doctor_tell(w->doctor, DOCTOR_WARNING, "database", "%s: %s\nIt "
		    "is not used while another host of DATABASE works",
		    h->name, h->wrong);
	if (!h->writable)
		return;
	if (*w->name == '\0') {
		(void)snprintf(w->name, sizeof(w->name), "%s%s%s", h->name,
		    colon, h->port);
		w->system = h->system;
		w->timeline = h->timeline;
		w->started = h->started;
	} else if (h->started == 0 || h->started != w->started ||
	    h->system != w->system || h->timeline != w->timeline) {
		doctor_tell(w->doctor, DOCTOR_ERROR, "database", "%s and "
		    "%s%s%s are two servers that both accept writes\nStop the "
		    "one that must not get answers, before a node uses it "
		    "(docs/scaling.md)", w->name, h->name, colon,
		    h->port);
	}
}

void
doctor_server(struct doctor *d)
{
	const char		*name = d->settings->text[SETTING_DATABASE];
	struct head		 h = { .bytes = 0 };
	struct writer		 w = { .doctor = d };
	struct store		*store;
	enum failure_code	 rc;

	rc = store_open(&store, name);
	if (rc == FAILURE_SCHEMA) {
		doctor_tell(d, DOCTOR_ERROR, "database", "%s\n`sessions "
		    "migrate' creates it, or migrates an older database; a "
		    "newer one needs the newer program",
		    store_error(store));
		store_hosts(name, doctor_server_host, &w);
	} else if (rc != FAILURE_NONE || store_report(store, STORE_HEAD, 0, 1,
	    doctor_server_head_row, &h) != FAILURE_NONE) {
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: %s\nCheck that "
		    "the server runs and accepts this user: psql '%s'", name,
		    store_error(store), name);
	} else {
		doctor_server_examine(d, name, &h);
		store_hosts(name, doctor_server_host, &w);
		if (d->quick)
			doctor_tell(d, DOCTOR_OK, "database", "%s, contents "
			    "not checked", name);
		else
			doctor_read_through(d, store, name);
	}
	store_close(store);
}
