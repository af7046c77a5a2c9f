/*
 * Migrates a database to this program's schema.
 */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/sqlite/db.h"
#include "store/store.h"

enum { APPLICATION_ID = 0x7469636b };	/* as in sql/001_init.sql */

bool
db_foreign(struct store *s, int version)
{
	if (version == 0)
		return db_pragma(s, "SELECT count(*) FROM sqlite_schema") != 0;
	return db_pragma(s, "PRAGMA application_id") != APPLICATION_ID;
}

bool
store_behind(struct store *s)
{
	const int	version = db_pragma(s, "PRAGMA user_version");

	return version > 0 && version < SCHEMA_VERSION &&
	    !db_foreign(s, version);
}

enum failure_code
db_steps(struct store *s, int from)
{
	int	step;

	for (step = from; step < SCHEMA_VERSION; step++) {
		if (sqlite3_exec(s->db, store_migrations[step], NULL, NULL,
		    NULL) != SQLITE_OK)
			return db_fail(s, s->path);
	}
	return FAILURE_NONE;
}

/*
 * Runs the steps from the database's version on, in one transaction.  Sets
 * *from to that version.
 */
static enum failure_code
db_migrate(struct store *s, int *from)
{
	enum failure_code	rc;

	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	/* Read again in the transaction: another process may have just
	   migrated. */
	if ((*from = db_pragma(s, "PRAGMA user_version")) == INT_MIN)
		return db_end(s, db_fail(s, s->path));
	if (*from > SCHEMA_VERSION || *from < 0 || db_foreign(s, *from)) {
		(void)snprintf(s->error, sizeof(s->error), *from >
		    SCHEMA_VERSION ?
		    "%s has schema %d, newer than this program's %d: use the "
		    "newer program, or `sessions restore' an older copy" :
		    "%s is not a database of this program (schema %d, not "
		    "%d)", s->path, *from, SCHEMA_VERSION);
		return db_end(s, FAILURE_SCHEMA);
	}
	return db_end(s, db_steps(s, *from));
}

/*
 * Sets WAL mode, which must be done outside a transaction.  With the lock,
 * because a second process would get SQLITE_BUSY.
 */
static enum failure_code
db_set_wal(struct store *s)
{
	enum failure_code	rc;

	if ((rc = db_lock(s)) != FAILURE_NONE)
		return rc;
	if (sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL,
	    NULL) != SQLITE_OK)
		rc = db_fail(s, s->path);
	db_unlock(s);
	return rc;
}

static enum failure_code
db_damaged(struct store *s)
{
	char	why[sizeof(s->error)];

	(void)snprintf(why, sizeof(why), "%s", s->error);
	(void)snprintf(s->error, sizeof(s->error), "%.900s; `sessions restore "
	    "FILE' replaces it with a copy", why);
	return FAILURE_SCHEMA;
}

enum failure_code
store_migrate(struct store **out, const char *path, int *from, int *to,
    const struct store_quiet *quiet)
{
	enum failure_code	 rc;
	struct store		*s;
	mode_t			 mask;

	(void)quiet;
	*from = 0;
	*to = SCHEMA_VERSION;
	if ((*out = s = db_make(path)) == NULL)
		return FAILURE_STORAGE;
	mask = umask(077);
	rc = db_connect(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (rc == FAILURE_NONE)
		rc = db_migrate(s, from);
	if (rc == FAILURE_NONE)
		rc = db_set_wal(s);
	(void)umask(mask);
	/* A damaged database does not get better by itself: treat it as
	   FAILURE_SCHEMA. */
	return rc == FAILURE_STORAGE && s->damaged ? db_damaged(s) : rc;
}

enum failure_code
store_new_identity(struct store *s)
{
	enum failure_code	 rc;

	s->key.id[0] = '\0';
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	return db_end(s, store_run(s, STATEMENT_IDENTITY_DRAW, NULL,
	    NO_ARGS));
}

enum failure_code
store_use_tickets(struct store *s, const char *table, const char *id_column)
{
	(void)id_column;
	(void)snprintf(s->error, sizeof(s->error), "TICKETS_TABLE=%s: this "
	    "works only with a DATABASE on PostgreSQL", table);
	return FAILURE_BAD_REQUEST;
}

bool
store_passes(const struct store *s)
{
	(void)s;
	return false;
}

bool
store_is_file(void)
{
	return true;
}
