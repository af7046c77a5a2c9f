/*
 * Bringing a PostgreSQL database to this program's version.
 */
#include <string.h>

#include "store/postgres/pg.h"
#include "store/store.h"

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
	/* What the first one sets is nothing for a pooler's other clients. */
	if (rc == FAILURE_NONE && *from == 0)
		rc = pg_run(s, STATEMENT_RESET_PATH, NULL, NULL);
	return pg_end(s, rc);
}

/* What this role may not do is told now, not at the end of a question. */
static enum failure_code
examine_rights(struct store *s)
{
	enum failure_code	 rc;
	PGresult		*res;

	if ((rc = pg_query(s, STATEMENT_RIGHTS, NULL, &res)) != FAILURE_NONE)
		return rc;
	if (!PQgetisnull(res, 0, 0))
		rc = pg_refuse(s, FAILURE_SCHEMA, "%s: the role %s may not %s",
		    PQdb(s->db), PQuser(s->db), PQgetvalue(res, 0, 0));
	PQclear(res);
	return rc;
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
	return (rc = migrate(s, from)) == FAILURE_NONE ? examine_rights(s) : rc;
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
