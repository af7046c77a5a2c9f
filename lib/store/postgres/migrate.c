/*
 * Migrates a PostgreSQL database to this program's schema.
 */
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "store/maintain.h"
#include "store/postgres/pg.h"
#include "store/store.h"

enum { OLD_LOOK = 1000 };	/* ms between two looks */

#define LOCK_TIMEOUT	"55P03"		/* an SQLSTATE */

/* Looks at generations of version 0.1 while we wait for them. */
struct old {
	const struct store_quiet	*quiet;
	struct store			*other;	/* a second connection */
	int64_t				 next;
};

/* Counts the generations; ends those in the queue, or all of them. */
static void
pg_look(void *context, const char *what, int64_t done, int64_t total)
{
	struct old	*o = context;
	int64_t		 running;

	(void)what;
	(void)done;
	(void)total;
	if (clock_us() < o->next)
		return;
	o->next = clock_us() + OLD_LOOK * INT64_C(1000);
	if (pg_run(o->other, STATEMENT_OLD_RUNS, NULL, &running) !=
	    FAILURE_NONE || running == 0)
		return;
	o->quiet->progress(o->quiet->context, (int)running);
	(void)store_run(o->other, STATEMENT_OLD_STOP, NULL,
	    ARGS(ARG_INT(o->quiet->now)));
}

/*
 * Waits for the lock that every generation of 0.1 shares, on whatever machine.
 * Then no new one gets the lock until our transaction ends.
 */
static enum failure_code
pg_wait_for_old(struct store *s, const struct store_quiet *quiet)
{
	struct old		 o = { .quiet = quiet };
	enum failure_code	 rc;

	if ((rc = store_run(s, STATEMENT_OLD_PATIENCE, NULL,
	    ARGS(ARG_INT(quiet->ms)))) != FAILURE_NONE)
		return rc;
	if ((o.other = pg_make(s->uri)) == NULL)
		return pg_refuse(s, FAILURE_STORAGE, "no memory");
	o.other->broken = true;		/* connects when it is needed */
	store_watch(s, pg_look, &o);
	rc = pg_run(s, STATEMENT_OLD_LOCK, NULL, NULL);
	store_watch(s, NULL, NULL);
	store_close(o.other);
	if (rc == FAILURE_STORAGE && strcmp(s->state, LOCK_TIMEOUT) == 0)
		return pg_refuse(s, FAILURE_BAD_REQUEST, "generations still "
		    "run");
	return rc != FAILURE_NONE ? rc : store_run(s, STATEMENT_OLD_PATIENCE,
	    NULL, ARGS(ARG_INT(STORE_TIMEOUT)));
}

/*
 * Runs the steps from the database's version on, in one transaction.  Sets
 * *from to that version.
 */
static enum failure_code
pg_migrate(struct store *s, int *from, const struct store_quiet *quiet)
{
	enum failure_code	rc;
	int64_t			version;
	int			step;

	if ((rc = pg_begin(s)) == FAILURE_NONE &&
	    (rc = pg_run(s, STATEMENT_MIGRATE_LOCK, NULL, NULL)) ==
	    FAILURE_STORAGE && strcmp(s->state, LOCK_TIMEOUT) == 0)
		(void)pg_refuse(s, rc, "%s: another node is migrating it, or "
		    "waits to do so", PQdb(s->db));
	if (rc != FAILURE_NONE || (rc = pg_run(s, STATEMENT_MIGRATED, NULL,
	    &version)) != FAILURE_NONE)
		return pg_end(s, rc);
	/* Read again in the transaction: another process may have just
	   migrated. */
	if (version != 0 && (rc = pg_run(s, STATEMENT_VERSION, NULL,
	    &version)) != FAILURE_NONE)
		return pg_end(s, rc);
	*from = (int)version;
	if (*from > SCHEMA_VERSION)
		return pg_end(s, pg_refuse(s, FAILURE_SCHEMA, "%s has schema "
		    "%d, newer than this program's %d: use the newer program",
		    PQdb(s->db), *from, SCHEMA_VERSION));
	if (*from == 1 && quiet != NULL &&
	    (rc = pg_wait_for_old(s, quiet)) != FAILURE_NONE)
		return pg_end(s, rc);
	for (step = *from; step < SCHEMA_VERSION; step++) {
		if ((rc = pg_script(s, store_migrations[step])) !=
		    FAILURE_NONE)
			break;
	}
	/* Reset what step 1 has set: a pooler may pass the connection on. */
	if (rc == FAILURE_NONE && *from == 0)
		rc = pg_run(s, STATEMENT_RESET_PATH, NULL, NULL);
	return pg_end(s, rc);
}

/* Checks the role's rights now, so that no question fails later. */
static enum failure_code
pg_check_rights(struct store *s)
{
	enum failure_code	 rc;
	PGresult		*res;

	if ((rc = pg_query(s, STATEMENT_RIGHTS, NULL, &res)) != FAILURE_NONE)
		return rc;
	if (!PQgetisnull(res, 0, 0))
		rc = pg_refuse(s, FAILURE_SCHEMA, "%s: the role %s is not "
		    "allowed to %s",
		    PQdb(s->db), PQuser(s->db), PQgetvalue(res, 0, 0));
	PQclear(res);
	return rc;
}

enum failure_code
store_migrate(struct store **out, const char *database, int *from, int *to,
    const struct store_quiet *quiet)
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
		return pg_refuse(s, FAILURE_SCHEMA, "%s: this is PostgreSQL "
		    "%d; version 13 or later is needed",
		    PQdb(s->db), PQserverVersion(s->db) /
		    10000);
	rc = pg_migrate(s, from, quiet);
	return rc == FAILURE_NONE ? pg_check_rights(s) : rc;
}

enum failure_code
store_new_identity(struct store *s)
{
	s->key.id[0] = '\0';
	return pg_run(s, STATEMENT_IDENTITY_DRAW, NULL, NULL);
}

enum failure_code
store_use_tickets(struct store *s, const char *table, const char *id_column)
{
	return store_run(s, STATEMENT_USE_TICKETS, NULL,
	    ARGS(ARG_TEXT(table, strlen(table)),
	    ARG_TEXT(id_column, strlen(id_column))));
}
