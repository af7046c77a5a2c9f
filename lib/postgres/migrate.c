/*
 * Bringing a PostgreSQL database to this program's version, and trying what
 * it keeps of what several machines need.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "limit.h"
#include "pg.h"
#include "store.h"

/* Runs the steps from the database's version on, in one transaction. */
static enum failure_code
migrate(struct store *s, int *from)
{
	enum failure_code	rc;
	int64_t			version;
	int			step;

	if ((rc = pg_begin(s)) != FAILURE_NONE ||
	    (rc = pg_run(s, STATEMENT_MIGRATE_LOCK, NULL, NULL)) !=
	    FAILURE_NONE ||
	    (rc = pg_run(s, STATEMENT_MIGRATED, NULL, &version)) !=
	    FAILURE_NONE)
		return pg_end(s, rc);
	/* Within the transaction: somebody else may just have done it. */
	if (version != 0 && (rc = pg_run(s, STATEMENT_VERSION, NULL,
	    &version)) != FAILURE_NONE)
		return pg_end(s, rc);
	*from = (int)version;
	if (*from > SCHEMA_VERSION)
		return pg_end(s, pg_refuse(s, FAILURE_SCHEMA, "%s is of "
		    "schema %d, newer than this program's %d: take the newer "
		    "program", PQdb(s->db), *from, SCHEMA_VERSION));
	for (step = *from; step < SCHEMA_VERSION; step++) {
		if ((rc = pg_script(s, store_migrations[step])) !=
		    FAILURE_NONE)
			break;
	}
	return pg_end(s, rc);
}

enum failure_code
store_migrate(struct store **out, const char *database, int *from, int *to)
{
	enum failure_code	 rc;
	struct store		*s;
	int			 version;

	*from = 0;
	*to = SCHEMA_VERSION;
	if ((*out = s = pg_make(database)) == NULL)
		return FAILURE_STORAGE;
	s->patience = -1;
	if ((rc = pg_connect(s, &version)) != FAILURE_NONE)
		return rc;
	if (strcmp(PQparameterStatus(s->db, "server_encoding"), "UTF8") != 0)
		return pg_refuse(s, FAILURE_SCHEMA, "%s: its encoding is %s, "
		    "not UTF8 (createdb --encoding=UTF8 --template=template0)",
		    PQdb(s->db), PQparameterStatus(s->db, "server_encoding"));
	if (PQserverVersion(s->db) < 130000)
		return pg_refuse(s, FAILURE_SCHEMA, "%s: PostgreSQL %d, it "
		    "takes 13 or later", PQdb(s->db), PQserverVersion(s->db) /
		    10000);
	return migrate(s, from);
}

enum failure_code
store_new_identity(struct store *s)
{
	s->id[0] = '\0';
	return pg_run(s, STATEMENT_IDENTITY_DRAW, NULL, NULL);
}

enum failure_code
store_use_tickets(struct store *s, const char *table, const char *id_column)
{
	struct pg_args	a = { .count = 0 };

	pg_text(&a, table, strlen(table));
	pg_text(&a, id_column, strlen(id_column));
	return pg_run(s, STATEMENT_USE_TICKETS, &a, NULL);
}

/* Whether a connection hears what another one says. */
static bool
hears(struct store *s)
{
	const int64_t	 until = clock_us() + STORE_TIMEOUT * INT64_C(1000);
	struct pollfd	 p = { .fd = PQsocket(s->db), .events = POLLIN };
	PGnotify	*n;
	bool		 heard;

	while ((n = PQnotifies(s->db)) == NULL) {
		if (clock_us() >= until || poll(&p, 1, clock_poll(clock_us(),
		    until)) == -1 || PQconsumeInput(s->db) != 1)
			return false;
	}
	heard = strcmp(n->relname, "ticketchat_probe") == 0;
	PQfreemem(n);
	return heard;
}

enum failure_code
store_probe(struct store *s)
{
	struct pg_args		 key = { .count = 0 };
	struct store		*other;
	enum failure_code	 rc;
	int64_t			 mine = 0, its = 0;
	char			 why[512];
	int			 version;

	pg_int(&key, clock_us() * 1000 + getpid() % 1000);
	if ((other = pg_make(s->uri)) == NULL)
		return pg_refuse(s, FAILURE_STORAGE, "no memory");
	if ((rc = pg_connect(other, &version)) == FAILURE_NONE &&
	    (rc = pg_run(s, STATEMENT_PROBE_LISTEN, NULL, NULL)) ==
	    FAILURE_NONE && (rc = pg_run(s, STATEMENT_PROBE_LOCK, &key,
	    &mine)) == FAILURE_NONE)
		rc = pg_run(other, STATEMENT_PROBE_LOCK, &key, &its);
	if (rc != FAILURE_NONE) {
		(void)snprintf(why, sizeof(why), "%.500s", *other->error !=
		    '\0' ? other->error : s->error);
		rc = pg_refuse(s, FAILURE_SCHEMA, "%s: it does not know what "
		    "several machines need (advisory locks, LISTEN): %s",
		    PQdb(s->db), why);
	} else if (mine == 0 || its != 0) {
		rc = pg_refuse(s, FAILURE_SCHEMA, "%s: its advisory locks do "
		    "not hold as long as a connection: a pooler in "
		    "transaction mode is in front of it, or it is no "
		    "PostgreSQL; connect to the server itself",
		    PQdb(s->db));
	} else if ((rc = pg_run(other, STATEMENT_PROBE_SAY, NULL, NULL)) ==
	    FAILURE_NONE && !hears(s)) {
		rc = pg_refuse(s, FAILURE_SCHEMA, "%s: LISTEN does not hear "
		    "NOTIFY: a pooler is in front of it, or it is no "
		    "PostgreSQL; connect to the server itself",
		    PQdb(s->db));
	}
	store_close(other);
	return rc;
}
